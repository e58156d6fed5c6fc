import {
  tryParseAddress,
  type Address,
  type ByteStream,
  type Cancel,
  type Clock,
  type Logger,
  type Streams,
} from '@grp/core';
import { ClientStream, type ServeClient } from './client-stream.ts';
import type { ByteWriter } from './bytes.ts';
import type { Message } from './messages.ts';
import type { RaftPeers } from './ports.ts';
import type { Configuration, ServerId } from './types.ts';
import { decodeClientHello } from './wire/client-frames.ts';
import { decodeHello, encodeHello, FrameReader, FrameWriter } from './wire/frames.ts';
import { decodeMessage, EntriesCodec, writeMessage } from './wire/messages.ts';
import type { PayloadCodec } from './wire/payload.ts';

/** Bytes that wait for one peer; beyond that messages are dropped, as a network drops them. */
const queueBytesMax = 33_554_432;
const redialMinMs = 30;
const redialMaxMs = 1_000;
const dialTimeoutMs = 2_000;
/** A stream that has not said who it is. */
const helloBytesMax = 2_048;

export interface NetworkPorts {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface GroupOptions {
  readonly group: string;
  readonly self: ServerId;
  /** Where others reach this server (default: where it listens). */
  readonly address?: Address | undefined;
  readonly payloads: PayloadCodec;
  readonly receive: (from: ServerId, message: Message) => void;
  readonly connected: (peer: ServerId) => void;
  readonly disconnected: (peer: ServerId) => void;
  /** Serves clients on the same port; absent: their streams are refused. */
  readonly serveClient?: ServeClient | undefined;
}

/**
 * The way to the other servers: one long-lived stream per peer and direction, many messages in one write. Several groups of
 * one process share the port; the first frame of a stream says which group it is of.
 */
export class RaftNetwork {
  readonly #ports: NetworkPorts;
  readonly #groups = new Map<string, Group>();
  readonly #cancel: Cancel;
  #droppedCount = 0;

  constructor(ports: NetworkPorts) {
    this.#ports = ports;
    this.#cancel = ports.streams.onAccept((stream) => this.#accept(stream));
  }

  /** Messages, streams and bytes that were of no use. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Takes part in a group until `close`. */
  join(options: GroupOptions): RaftPeers & { close(): void } {
    const group = new Group(this.#ports, options, () => this.#droppedCount++);
    this.#groups.set(options.group, group);
    return {
      send: (to, message) => group.send(to, message),
      configure: (configuration) => group.configure(configuration),
      close: () => {
        group.close();
        this.#groups.delete(options.group);
      },
    };
  }

  /** Closes all streams; the `Streams` port is its owner's to close. */
  close(): void {
    this.#cancel();
    for (const group of this.#groups.values()) group.close();
    this.#groups.clear();
  }

  #accept(stream: ByteStream) {
    const reader = new FrameReader();
    let joined: Joined | undefined;
    let early = 0;
    const refuse = (): void => {
      this.#droppedCount++;
      stream.abort();
    };
    return {
      onData: (bytes: Uint8Array) => {
        early += bytes.length;
        const frames = reader.push(bytes);
        if (frames === undefined) return refuse();
        for (const frame of frames) {
          if (joined === undefined) {
            joined = this.#join(stream, frame);
            if (joined === undefined) return refuse();
          } else if (!joined.take(frame)) return refuse();
        }
        return joined === undefined && early > helloBytesMax ? refuse() : undefined;
      },
      onDrain: () => joined?.drained(),
      onEnd: () => stream.end(),
      onClose: () => joined?.close(),
    };
  }

  /** By the first frame of a stream; undefined: it is nobody who belongs here. */
  #join(stream: ByteStream, frame: Uint8Array): Joined | undefined {
    const hello = decodeHello(frame);
    if (hello !== undefined) {
      const group = this.#groups.get(hello.group);
      return hello.to === group?.self ? group?.accepted(stream, hello.from, hello.address) : undefined;
    }
    return this.#groups.get(decodeClientHello(frame) ?? '')?.acceptedClient(stream);
  }
}

/** A stream that has said who it is. */
interface Joined {
  /** False: it is not to be believed any more. */
  take(frame: Uint8Array): boolean;
  drained(): void;
  close(): void;
}

/** One group's streams. */
class Group {
  readonly self: ServerId;
  readonly #ports: NetworkPorts;
  readonly #options: GroupOptions;
  readonly #drop: () => void;
  readonly #links = new Map<ServerId, Link>();
  readonly #accepted = new Set<ByteStream>();
  readonly #entries: EntriesCodec;

  constructor(ports: NetworkPorts, options: GroupOptions, drop: () => void) {
    this.#entries = new EntriesCodec(options.payloads);
    this.self = options.self;
    this.#ports = ports;
    this.#options = options;
    this.#drop = drop;
  }

  configure({ addresses }: Configuration): void {
    for (const [id, link] of this.#links) {
      // A server that was removed may still be told so by what is under way; it goes when it moves or the group ends.
      if (addresses[id] !== undefined && addresses[id] !== link.address) {
        link.close();
        this.#links.delete(id);
      }
    }
    for (const [id, address] of Object.entries(addresses)) {
      if (id !== this.self && !this.#links.has(id)) this.#link(id, address as Address);
    }
  }

  send(to: ServerId, message: Message): void {
    const isSent = this.#links.get(to)?.send((writer) => writeMessage(writer, message, this.#entries)) === true;
    if (!isSent) this.#drop();
  }

  accepted(stream: ByteStream, from: ServerId, address: string): Joined {
    this.#accepted.add(stream);
    // A server that waits to be added knows nobody: whoever calls first can be answered.
    if (!this.#links.has(from) && tryParseAddress(address) !== undefined) this.#link(from, address as Address);
    return {
      take: (frame) => {
        this.#receive(from, frame);
        return true;
      },
      drained: () => {},
      close: () => this.#accepted.delete(stream),
    };
  }

  /** Undefined: this group serves no clients. */
  acceptedClient(stream: ByteStream): Joined | undefined {
    const { serveClient, payloads } = this.#options;
    if (serveClient === undefined) return undefined;
    this.#accepted.add(stream);
    const client = new ClientStream(stream, payloads, serveClient);
    return {
      take: (frame) => client.take(frame),
      drained: () => client.drained(),
      close: () => {
        client.close();
        this.#accepted.delete(stream);
      },
    };
  }

  #receive(from: ServerId, frame: Uint8Array): void {
    const message = decodeMessage(frame, this.#options.payloads);
    if (message === undefined) this.#drop();
    else this.#options.receive(from, message);
  }

  #link(id: ServerId, address: Address): void {
    const { group, address: own = this.#ports.streams.self } = this.#options;
    const hello = encodeHello({ group, from: this.self, to: id, address: own });
    const { connected, disconnected } = this.#options;
    const listener = { onOpen: () => connected(id), onBroken: () => disconnected(id) };
    this.#links.set(id, new Link(this.#ports, address, hello, listener));
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    for (const stream of [...this.#accepted]) stream.abort();
    this.#accepted.clear();
  }
}

interface LinkListener {
  readonly onOpen: () => void;
  readonly onBroken: () => void;
}

/** One stream to one peer, dialled again whenever it breaks. */
class Link {
  readonly address: Address;
  readonly #ports: NetworkPorts;
  readonly #hello: Uint8Array;
  readonly #listener: LinkListener;
  #stream: ByteStream | undefined;
  #isOpen = false;
  #isBlocked = false;
  #isClosed = false;
  #queue = new FrameWriter();
  #isFlushing = false;
  #redialMs = redialMinMs;
  #cancelRedial: Cancel = () => {};

  constructor(ports: NetworkPorts, address: Address, hello: Uint8Array, listener: LinkListener) {
    this.#ports = ports;
    this.address = address;
    this.#hello = hello;
    this.#listener = listener;
    this.#dial();
  }

  /** False: there is no connection, or too much waits already. */
  send(write: (writer: ByteWriter) => void): boolean {
    if (!this.#isOpen || this.#queue.length > queueBytesMax) return false;
    this.#queue.frame(write);
    if (!this.#isFlushing && !this.#isBlocked) {
      // At the end of this turn: what else is said in it goes into the same write.
      this.#isFlushing = true;
      queueMicrotask(() => this.#flush());
    }
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#isOpen = false;
    this.#cancelRedial();
    this.#flush();
    this.#stream?.end();
  }

  #flush(): void {
    this.#isFlushing = false;
    const stream = this.#stream;
    if (this.#queue.length === 0 || stream === undefined) return;
    this.#isBlocked = !stream.write(this.#queue.take());
  }

  #dial(): void {
    const { streams, clock } = this.#ports;
    const stream = streams.dial(
      this.address,
      {
        onOpen: () => {
          this.#isOpen = !this.#isClosed;
          this.#redialMs = redialMinMs;
          if (this.#isOpen) this.#listener.onOpen();
        },
        onDrain: () => {
          this.#isBlocked = false;
          this.#flush();
        },
        // Nothing is read here but the end, by which a peer that was killed is noticed at once.
        onEnd: () => stream.abort(),
        onClose: () => {
          if (this.#stream !== stream) return;
          const wasOpen = this.#isOpen;
          this.#reset();
          if (this.#isClosed) return;
          if (wasOpen) this.#listener.onBroken();
          this.#cancelRedial = clock.wakeAt(clock.now() + this.#redialMs, () => this.#dial());
          this.#redialMs = Math.min(this.#redialMs * 2, redialMaxMs);
        },
      },
      { timeoutMs: dialTimeoutMs },
    );
    this.#stream = stream;
    const hello = new FrameWriter();
    hello.frame((writer) => writer.raw(this.#hello));
    stream.write(hello.take());
  }

  #reset(): void {
    this.#stream = undefined;
    this.#isOpen = false;
    this.#isBlocked = false;
    this.#queue = new FrameWriter();
  }
}
