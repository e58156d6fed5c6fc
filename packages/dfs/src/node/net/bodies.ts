// The bodies of frames. Encoders never fail; decoders give undefined for anything that is not such a body.
import type { Ack } from '../../model.ts';

const textBytesMax = 1_024;
/** Blobs in one removal, and in one page of a list. */
export const itemsMax = 10_000;

/** Writes one body. */
class Writer {
  readonly #parts: Buffer[] = [];

  u32(value: number): this {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32LE(value >>> 0);
    this.#parts.push(bytes);
    return this;
  }

  u53(value: number): this {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigUInt64LE(BigInt(value));
    this.#parts.push(bytes);
    return this;
  }

  hex(text: string): this {
    this.#parts.push(Buffer.from(text, 'hex'));
    return this;
  }

  text(text: string): this {
    const bytes = Buffer.from(text).subarray(0, textBytesMax);
    this.u32(bytes.length);
    this.#parts.push(bytes);
    return this;
  }

  end(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Reads one body; `failed` once it turns out not to be one. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #failed = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  u32(): number {
    const at = this.#take(4);
    return at === undefined ? 0 : this.#bytes.readUInt32LE(at);
  }

  u53(): number {
    const at = this.#take(8);
    if (at === undefined) return 0;
    const value = this.#bytes.readBigUInt64LE(at);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.#failed = true;
    return this.#failed ? 0 : Number(value);
  }

  hex(length: number): string {
    const at = this.#take(length);
    return at === undefined ? '' : this.#bytes.toString('hex', at, at + length);
  }

  text(): string {
    const length = this.u32();
    if (length > textBytesMax) this.#failed = true;
    const at = this.#take(length);
    return at === undefined ? '' : this.#bytes.toString('utf8', at, at + length);
  }

  /** The value, if the body held it and nothing else. */
  whole<Value>(value: Value): Value | undefined {
    return this.#failed || this.#at !== this.#bytes.length ? undefined : value;
  }

  count(): number {
    const count = this.u32();
    if (count > itemsMax) this.#failed = true;
    return this.#failed ? 0 : count;
  }

  #take(length: number): number | undefined {
    if (this.#failed || this.#at + length > this.#bytes.length) {
      this.#failed = true;
      return undefined;
    }
    this.#at += length;
    return this.#at - length;
  }
}

export interface Hello {
  readonly version: number;
  /** The file server's id; empty for a client. */
  readonly node: string;
  /** Content that may be on its way to this side in one transfer. */
  readonly windowBytes: number;
}

const helloMagic = 0x5346_4447; // "GDFS"

export function encodeHello({ version, node, windowBytes }: Hello): Buffer {
  return new Writer().u32(helloMagic).u32(version).text(node).u53(windowBytes).end();
}

export function decodeHello(bytes: Buffer): Hello | undefined {
  const reader = new Reader(bytes);
  const magic = reader.u32();
  const hello = reader.whole({ version: reader.u32(), node: reader.text(), windowBytes: reader.u53() });
  return magic === helloMagic ? hello : undefined;
}

export interface WireError {
  readonly code: string;
  readonly message: string;
}

export function encodeError({ code, message }: WireError): Buffer {
  return new Writer().text(code).text(message).end();
}

export function decodeError(bytes: Buffer): WireError | undefined {
  const reader = new Reader(bytes);
  return reader.whole({ code: reader.text(), message: reader.text() });
}

export interface PutOrder {
  readonly blob: string;
  readonly epoch: number;
  /** 0: not known. */
  readonly bytesHint: number;
}

export function encodePut({ blob, epoch, bytesHint }: PutOrder): Buffer {
  return new Writer().hex(blob).u53(epoch).u53(bytesHint).end();
}

export function decodePut(bytes: Buffer): PutOrder | undefined {
  const reader = new Reader(bytes);
  return reader.whole({ blob: reader.hex(16), epoch: reader.u53(), bytesHint: reader.u53() });
}

/** Before the content of a data frame: its CRC, and its number in the blob. */
export const dataHeadBytes = 8;

export function encodeDataHead(crc: number, index: number): Buffer {
  const bytes = Buffer.allocUnsafe(dataHeadBytes);
  bytes.writeUInt32LE(crc, 0);
  bytes.writeUInt32LE(index, 4);
  return bytes;
}

export interface Finish {
  readonly bytes: number;
  readonly sha256: string;
}

export function encodeFinish({ bytes, sha256 }: Finish): Buffer {
  return new Writer().u53(bytes).hex(sha256).end();
}

export function decodeFinish(bytes: Buffer): Finish | undefined {
  const reader = new Reader(bytes);
  return reader.whole({ bytes: reader.u53(), sha256: reader.hex(32) });
}

export function encodeAck({ node, incarnation, epoch }: Ack): Buffer {
  return new Writer().text(node).u53(incarnation).u53(epoch).end();
}

export function decodeAck(bytes: Buffer): Ack | undefined {
  const reader = new Reader(bytes);
  return reader.whole({ node: reader.text(), incarnation: reader.u53(), epoch: reader.u53() });
}

export function encodeCredit(bytes: number): Buffer {
  return new Writer().u53(bytes).end();
}

export function decodeCredit(bytes: Buffer): number | undefined {
  const reader = new Reader(bytes);
  return reader.whole(reader.u53());
}

export interface GetOrder {
  readonly blob: string;
  readonly offset: number;
  /** Content wanted from `offset` on; 0: to the end. */
  readonly length: number;
  /** What may be on its way before the first credit. */
  readonly windowBytes: number;
}

export function encodeGet({ blob, offset, length, windowBytes }: GetOrder): Buffer {
  return new Writer().hex(blob).u53(offset).u53(length).u53(windowBytes).end();
}

export function decodeGet(bytes: Buffer): GetOrder | undefined {
  const reader = new Reader(bytes);
  return reader.whole({
    blob: reader.hex(16),
    offset: reader.u53(),
    length: reader.u53(),
    windowBytes: reader.u53(),
  });
}

/** What a server says of a blob that it holds. */
export interface Content {
  readonly bytes: number;
  readonly sha256: string;
  readonly epoch: number;
}

export function encodeContent({ bytes, sha256, epoch }: Content): Buffer {
  return new Writer().u53(bytes).hex(sha256).u53(epoch).end();
}

export function decodeContent(bytes: Buffer): Content | undefined {
  const reader = new Reader(bytes);
  return reader.whole({ bytes: reader.u53(), sha256: reader.hex(32), epoch: reader.u53() });
}

export interface DigestOrder {
  readonly blob: string;
  /** Read and compare all of it; otherwise what was noted when it was stored. */
  readonly deep: boolean;
}

export function encodeDigest({ blob, deep }: DigestOrder): Buffer {
  return new Writer()
    .hex(blob)
    .u32(deep ? 1 : 0)
    .end();
}

export function decodeDigest(bytes: Buffer): DigestOrder | undefined {
  const reader = new Reader(bytes);
  return reader.whole({ blob: reader.hex(16), deep: reader.u32() === 1 });
}

/** Fetch a blob from another server and keep it. */
export interface WireCopy extends Content {
  readonly blob: string;
  readonly from: string;
  /** The life of this server that is meant. */
  readonly incarnation: number;
}

export function encodeCopy({ blob, bytes, sha256, epoch, from, incarnation }: WireCopy): Buffer {
  return new Writer().hex(blob).u53(bytes).hex(sha256).u53(epoch).text(from).u53(incarnation).end();
}

export function decodeCopy(bytes: Buffer): WireCopy | undefined {
  const reader = new Reader(bytes);
  return reader.whole({
    blob: reader.hex(16),
    bytes: reader.u53(),
    sha256: reader.hex(32),
    epoch: reader.u53(),
    from: reader.text(),
    incarnation: reader.u53(),
  });
}

export interface RemoveOrder {
  readonly incarnation: number;
  readonly items: readonly { readonly blob: string; readonly epoch: number }[];
}

export function encodeRemove({ incarnation, items }: RemoveOrder): Buffer {
  const writer = new Writer().u53(incarnation).u32(items.length);
  for (const { blob, epoch } of items) writer.hex(blob).u53(epoch);
  return writer.end();
}

export function decodeRemove(bytes: Buffer): RemoveOrder | undefined {
  const reader = new Reader(bytes);
  const incarnation = reader.u53();
  const items = Array.from({ length: reader.count() }, () => ({ blob: reader.hex(16), epoch: reader.u53() }));
  return reader.whole({ incarnation, items });
}

export interface ListOrder {
  /** Ids after this one; all zeros from the first. */
  readonly after: string;
  readonly limit: number;
}

export function encodeList({ after, limit }: ListOrder): Buffer {
  return new Writer().hex(after).u32(limit).end();
}

export function decodeList(bytes: Buffer): ListOrder | undefined {
  const reader = new Reader(bytes);
  return reader.whole({ after: reader.hex(16), limit: Math.min(itemsMax, reader.u32()) });
}

export interface ListedBlob {
  readonly blob: string;
  readonly epoch: number;
  readonly bytes: number;
}

export function encodeListed(blobs: readonly ListedBlob[]): Buffer {
  const writer = new Writer().u32(blobs.length);
  for (const { blob, epoch, bytes } of blobs) writer.hex(blob).u53(epoch).u53(bytes);
  return writer.end();
}

export function decodeListed(bytes: Buffer): readonly ListedBlob[] | undefined {
  const reader = new Reader(bytes);
  const blobs = Array.from({ length: reader.count() }, () => ({
    blob: reader.hex(16),
    epoch: reader.u53(),
    bytes: reader.u53(),
  }));
  return reader.whole(blobs);
}
