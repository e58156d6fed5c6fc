// gRPC over one TCP connection with as little work per call as possible, so that what is measured is the server and not this
// process: headers are one constant block, answers are counted and not decoded. The same client drives grp's streams and
// etcd's unary calls. grpc-js needs 120 µs of processor time per unary call, which on two cores would halve any server.
import { connect, type Socket } from 'node:net';

const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const endStream = 1;
const endHeaders = 4;
const frameHeaderBytes = 9;
const windowBytes = 0x3fff_0000;
const grantAtBytes = 8_388_608;

/** What happens on one HTTP/2 stream. */
export interface CallHandlers {
  /** A whole gRPC message, without its prefix. */
  readonly onMessage: (message: Buffer) => void;
  /** It is over; `hasMessage`: there was one, which a failed unary call has not. */
  readonly onEnd: (hasMessage: boolean) => void;
}

interface OpenCall extends CallHandlers {
  hasMessage: boolean;
  rest: Buffer | undefined;
  window: number;
  waiting: Buffer[];
}

/** One HTTP/2 connection without TLS. */
export class Http2Client {
  readonly #socket: Socket;
  readonly #authority: string;
  readonly #calls = new Map<number, OpenCall>();
  #nextStream = 1;
  #out: Buffer[] = [];
  #isScheduled = false;
  #in: Buffer | undefined;
  #received = 0;
  #sendWindow = 65_535;
  #streamWindow = 65_535;
  #blocked: { readonly stream: number; readonly frame: Buffer }[] = [];
  onClose: () => void = () => {};

  constructor(host: string, port: number) {
    this.#authority = `${host}:${port}`;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (bytes) => this.#read(bytes));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.onClose();
      for (const call of this.#calls.values()) call.onEnd(false);
      this.#calls.clear();
    });
    const settings = Buffer.alloc(12);
    settings.writeUInt16BE(2, 0); // no pushes
    settings.writeUInt16BE(4, 6); // what one stream may receive
    settings.writeUInt32BE(windowBytes, 8);
    this.#write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
    this.#write(frame(frameTypes.settings, 0, 0, settings));
    this.#grant(windowBytes);
  }

  /** The header block of a call; made once per path. */
  headers(path: string, metadata: Readonly<Record<string, string>> = {}): Buffer {
    const all = {
      ':method': 'POST',
      ':scheme': 'http',
      ':path': path,
      ':authority': this.#authority,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...metadata,
    };
    // RFC 7541 §6.2.2: literals without indexing, new names, no Huffman code.
    return Buffer.concat(Object.entries(all).flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
  }

  /** One request, one answer. */
  unary(headers: Buffer, message: Buffer, handlers: CallHandlers): void {
    const stream = this.#open(headers, handlers);
    this.#data(stream, message, endStream);
  }

  /** A stream in both directions; gives how to send a message on it. */
  stream(headers: Buffer, handlers: CallHandlers): (message: Buffer) => void {
    const stream = this.#open(headers, handlers);
    return (message) => this.#data(stream, message, 0);
  }

  close(): void {
    this.#socket.destroy();
  }

  #open(headers: Buffer, handlers: CallHandlers): number {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#calls.set(stream, {
      ...handlers,
      hasMessage: false,
      rest: undefined,
      window: this.#streamWindow,
      waiting: [],
    });
    this.#write(frame(frameTypes.headers, endHeaders, stream, headers));
    return stream;
  }

  #data(stream: number, message: Buffer, flags: number): void {
    const bytes = Buffer.allocUnsafe(frameHeaderBytes + 5 + message.length);
    head(bytes, frameTypes.data, flags, stream, 5 + message.length);
    bytes[9] = 0;
    bytes.writeUInt32BE(message.length, 10);
    bytes.set(message, 14);
    this.#sendData(stream, bytes);
  }

  #sendData(stream: number, bytes: Buffer): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    const size = bytes.length - frameHeaderBytes;
    if (this.#blocked.length > 0 || call.waiting.length > 0 || this.#sendWindow < size || call.window < size) {
      if (this.#blocked.length === 0 && this.#sendWindow >= size) call.waiting.push(bytes);
      else this.#blocked.push({ stream, frame: bytes });
      return;
    }
    this.#sendWindow -= size;
    call.window -= size;
    this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    this.#out.push(bytes);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const all = this.#out.length === 1 ? (this.#out[0] as Buffer) : Buffer.concat(this.#out);
      this.#out = [];
      if (!this.#socket.destroyed) this.#socket.write(all);
    });
  }

  #grant(bytes: number): void {
    const body = Buffer.alloc(4);
    body.writeUInt32BE(bytes, 0);
    this.#write(frame(frameTypes.windowUpdate, 0, 0, body));
  }

  #read(bytes: Buffer): void {
    const all = this.#in === undefined ? bytes : Buffer.concat([this.#in, bytes]);
    let at = 0;
    while (at + frameHeaderBytes <= all.length) {
      const length = all.readUIntBE(at, 3);
      const end = at + frameHeaderBytes + length;
      if (end > all.length) break;
      const stream = all.readUInt32BE(at + 5) & 0x7fff_ffff;
      this.#take(all[at + 3] as number, all[at + 4] as number, stream, all.subarray(at + frameHeaderBytes, end));
      at = end;
    }
    this.#in = at === all.length ? undefined : Buffer.from(all.subarray(at));
  }

  #take(type: number, flags: number, stream: number, body: Buffer): void {
    const call = this.#calls.get(stream);
    if (type === frameTypes.data) {
      this.#received += body.length;
      if (this.#received > grantAtBytes) {
        this.#grant(this.#received);
        this.#received = 0;
      }
      if (call !== undefined) messagesOf(call, body);
    } else if (type === frameTypes.windowUpdate) this.#widen(stream, body.readUInt32BE(0));
    else if (type === frameTypes.settings && (flags & 1) === 0) this.#settings(body);
    else if (type === frameTypes.ping && (flags & 1) === 0)
      this.#write(frame(frameTypes.ping, 1, 0, Buffer.from(body)));
    else if (type === frameTypes.goAway) this.#socket.end();
    const isEnd = type === frameTypes.reset || ((type === 0 || type === 1) && (flags & endStream) !== 0);
    if (!isEnd || call === undefined) return;
    this.#calls.delete(stream);
    call.onEnd(call.hasMessage);
  }

  #settings(body: Buffer): void {
    for (let at = 0; at + 6 <= body.length; at += 6) {
      if (body.readUInt16BE(at) !== 4) continue;
      const size = body.readUInt32BE(at + 2);
      for (const call of this.#calls.values()) call.window += size - this.#streamWindow;
      this.#streamWindow = size;
    }
    this.#write(frame(frameTypes.settings, 1, 0, Buffer.alloc(0)));
  }

  #widen(stream: number, bytes: number): void {
    const call = this.#calls.get(stream);
    if (stream === 0) this.#sendWindow += bytes;
    else if (call !== undefined) call.window += bytes;
    const blocked = this.#blocked;
    this.#blocked = [];
    for (const { stream: id, frame: bytesOf } of blocked) this.#sendData(id, bytesOf);
    const waiting = call?.waiting ?? [];
    if (call !== undefined) call.waiting = [];
    for (const bytesOf of waiting) this.#sendData(stream, bytesOf);
  }
}

function messagesOf(call: OpenCall, body: Buffer): void {
  const all = call.rest === undefined ? body : Buffer.concat([call.rest, body]);
  let at = 0;
  while (at + 5 <= all.length) {
    const end = at + 5 + all.readUInt32BE(at + 1);
    if (end > all.length) break;
    call.hasMessage = true;
    call.onMessage(all.subarray(at + 5, end));
    at = end;
  }
  call.rest = at === all.length ? undefined : Buffer.from(all.subarray(at));
}

function frame(type: number, flags: number, stream: number, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + body.length);
  head(bytes, type, flags, stream, body.length);
  bytes.set(body, frameHeaderBytes);
  return bytes;
}

function head(bytes: Buffer, type: number, flags: number, stream: number, length: number): void {
  bytes.writeUIntBE(length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
}

// RFC 7541 §5.2; lengths below 127 are one byte, longer ones follow in base 128.
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const digits: number[] = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) digits.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...digits, rest]), bytes]);
}

/** A field of bytes, in Protocol Buffers. */
export function protoBytes(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);
}

export function varint(value: number): Buffer {
  const digits: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) digits.push((rest % 128) + 128);
  return Buffer.from([...digits, rest]);
}
