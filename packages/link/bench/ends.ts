// One end of a measured connection: links, bare UDP or TCP, behind one shape.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { parseAddress, systemClock, systemRandom, type Address } from '@grp/core';
import { createLinks } from '@grp/link';
import { openNetwork } from '@grp/transport-udp';

export type Kind = 'udp' | 'tcp' | 'link';

export interface EndOptions {
  readonly kind: Kind;
  readonly messageBytes: number;
  readonly frameBytes: number;
}

export interface End {
  readonly address: string;
  receivedMessages: number;
  sentMessages: number;
  /** Datagrams; with TCP, writes of that size. */
  readonly sentFrames: number;
  readonly retransmits: number;
  connect(address: string): Promise<void>;
  /** Sends as much as the other side takes, until `stop`. */
  stream(): void;
  stop(): void;
  /** Sends back what comes. */
  echo(): void;
  /** One message there and back at a time, for so many ms; the times in µs. */
  pingPong(ms: number): Promise<number[]>;
  close(): Promise<void>;
}

export function openEnd(options: EndOptions): Promise<End> {
  const { kind } = options;
  if (kind === 'udp') return udpEnd(options);
  return kind === 'tcp' ? tcpEnd(options) : linkEnd(options);
}

/** Times round trips: `send` puts one message on its way, and the returned function is called for each that is back. */
function pinger(send: () => void): { run(ms: number): Promise<number[]>; back(): void } {
  let [sentAt, endsAt] = [0, 0];
  let micros: number[] = [];
  let done: (() => void) | undefined;
  return {
    async run(ms) {
      micros = [];
      endsAt = performance.now() + ms;
      const over = new Promise<void>((resolve) => (done = resolve));
      sentAt = performance.now();
      send();
      await over;
      return micros;
    },
    back() {
      if (done === undefined) return;
      const now = performance.now();
      micros.push((now - sentAt) * 1_000);
      if (now > endsAt) {
        done();
        done = undefined;
        return;
      }
      sentAt = performance.now();
      send();
    },
  };
}

async function linkEnd({ messageBytes, frameBytes }: EndOptions): Promise<End> {
  const network = await openNetwork({ bind: '127.0.0.1:0', connect: true, datagramBytesMax: frameBytes });
  const links = createLinks({
    transport: network.transport,
    clock: systemClock(),
    random: systemRandom(),
    defer: (callback) => void setImmediate(callback),
    config: { queueBytesMax: 262_144 },
  });
  const message = new Uint8Array(messageBytes).fill(7);
  let to = '' as Address;
  const state = { isStreaming: false };
  let isEcho = false;
  const fill = (): void => {
    while (state.isStreaming && links.send(to, message)) end.sentMessages++;
  };
  const pings = pinger(() => void links.send(to, message));
  links.onWritable(fill);
  links.onReceive((from, payload) => {
    end.receivedMessages++;
    if (isEcho) links.send(from, payload);
    else pings.back();
  });
  const end: End = {
    address: network.self,
    receivedMessages: 0,
    sentMessages: 0,
    get sentFrames() {
      return links.stats().peers[0]?.packetsSent ?? 0;
    },
    get retransmits() {
      return links.stats().peers[0]?.retransmits ?? 0;
    },
    async connect(address) {
      to = address as Address;
    },
    stream() {
      state.isStreaming = true;
      fill();
    },
    stop: () => void (state.isStreaming = false),
    echo: () => void (isEcho = true),
    pingPong: (ms) => pings.run(ms),
    async close() {
      await links.close();
      await network.close();
    },
  };
  return end;
}

// The floor: datagrams with a window, and one tiny ack for every 16, without numbers, order or retransmission.
const ackEvery = 16;
const windowFrames = 64;

async function udpEnd({ messageBytes, frameBytes }: EndOptions): Promise<End> {
  const socket = createSocket({
    type: 'udp4',
    lookup: (host: string, _options: unknown, callback: (e: null, address: string, family: number) => void) =>
      callback(null, host, 4),
  });
  const listening = once(socket, 'listening');
  socket.bind(0, '127.0.0.1');
  await listening;
  socket.setRecvBufferSize(2_097_152);
  const perFrame = Math.floor(frameBytes / messageBytes);
  const frame = Buffer.alloc(perFrame * messageBytes, 7);
  const single = Buffer.alloc(messageBytes, 7);
  const ack = Buffer.alloc(1);
  let [unacked, heard, frames] = [0, 0, 0];
  const state = { isStreaming: false };
  let isEcho = false;
  let stalled: NodeJS.Timeout | undefined;
  const fill = (): void => {
    for (; state.isStreaming && unacked < windowFrames; unacked++, frames++) {
      socket.send(frame);
      end.sentMessages += perFrame;
    }
  };
  const pings = pinger(() => socket.send(single));
  socket.on('error', () => {});
  socket.on('message', (message, from) => {
    if (message.length === 1) {
      unacked -= ackEvery;
      fill();
    } else if (isEcho) socket.send(message, from.port, from.address);
    else if (message.length === messageBytes && perFrame > 1) pings.back();
    else {
      end.receivedMessages += perFrame;
      if (++heard % ackEvery === 0) socket.send(ack, from.port, from.address);
      pings.back();
    }
  });
  const end: End = {
    address: `127.0.0.1:${socket.address().port}`,
    receivedMessages: 0,
    sentMessages: 0,
    get sentFrames() {
      return frames;
    },
    retransmits: 0,
    async connect(address) {
      const connected = once(socket, 'connect');
      socket.connect(parseAddress(address).port, '127.0.0.1');
      await connected;
    },
    stream() {
      state.isStreaming = true;
      // What is lost is never acknowledged: so that the window does not close for good.
      let before = -1;
      stalled = setInterval(() => {
        if (frames === before) unacked = 0;
        before = frames;
        fill();
      }, 20);
      fill();
    },
    stop() {
      state.isStreaming = false;
      clearInterval(stalled);
    },
    echo: () => void (isEcho = true),
    pingPong: (ms) => pings.run(ms),
    async close() {
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
  return end;
}

async function tcpEnd({ messageBytes, frameBytes }: EndOptions): Promise<End> {
  const perFrame = Math.floor(frameBytes / messageBytes);
  const frame = Buffer.alloc(perFrame * messageBytes, 7);
  const single = Buffer.alloc(messageBytes, 7);
  let [bytes, frames] = [0, 0];
  const state = { isStreaming: false };
  let isEcho = false;
  let stream: Socket | undefined;
  const fill = (): void => {
    while (state.isStreaming) {
      frames++;
      end.sentMessages += perFrame;
      if (stream?.write(frame) !== true) return;
    }
  };
  const pings = pinger(() => void stream?.write(single));
  const adopt = (socket: Socket): void => {
    stream = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('drain', fill);
    socket.on('data', (data) => {
      bytes += data.length;
      if (isEcho) socket.write(data);
      else pings.back();
    });
  };
  const server = createServer(adopt).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end: End = {
    address: `127.0.0.1:${(server.address() as { port: number }).port}`,
    get receivedMessages() {
      return Math.floor(bytes / messageBytes);
    },
    sentMessages: 0,
    get sentFrames() {
      return frames;
    },
    retransmits: 0,
    async connect(address) {
      const socket = connect(parseAddress(address).port, '127.0.0.1');
      await once(socket, 'connect');
      adopt(socket);
    },
    stream() {
      state.isStreaming = true;
      fill();
    },
    stop: () => void (state.isStreaming = false),
    echo: () => void (isEcho = true),
    pingPong: (ms) => pings.run(ms),
    async close() {
      stream?.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return end;
}
