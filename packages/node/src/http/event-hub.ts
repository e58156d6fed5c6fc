import type { Cancel, Clock } from '@grp/core';
import type { NodeConfig } from '../config.ts';
import { isoTime } from './documents.ts';
import { EventClient, serverSentEvents, type EventSink, type StreamFormat } from './event-client.ts';

/** What happened, before the hub adds schema and time. */
export interface NodeEventBody {
  /** The role it is about, or `node`. */
  readonly noun: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Reader {
  readonly client: EventClient;
  /** Nouns and types wanted; undefined: everything. */
  readonly kinds: ReadonlySet<string> | undefined;
}

/** What a reader of the stream calls while it reads. */
export interface Subscription {
  drained(): void;
  cancel(): void;
}

/** What the readers of a hub get. */
export interface HubStyle {
  readonly format: StreamFormat;
  /** The JSON text of an event that happened at this wall-clock time. */
  readonly encode: (event: NodeEventBody, wallMs: number) => string;
}

const nodeEvents: HubStyle = {
  format: serverSentEvents,
  encode: (event, wallMs) => JSON.stringify({ schema: 'grp.node.event/1', at: isoTime(wallMs), ...event }),
};

/** Event streams of a node: one event goes to each reader that wants its kind. */
export class EventHub {
  readonly #clock: Clock;
  readonly #config: NodeConfig;
  readonly #style: HubStyle;
  readonly #readers = new Set<Reader>();
  #cancelPing: Cancel | undefined;
  #droppedCount = 0;
  #closed = false;

  constructor(clock: Clock, config: NodeConfig, style: HubStyle = nodeEvents) {
    this.#clock = clock;
    this.#config = config;
    this.#style = style;
  }

  get format(): StreamFormat {
    return this.#style.format;
  }

  get clientCount(): number {
    return this.#readers.size;
  }

  /** Events lost because readers were slow, since the start. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  publish(event: NodeEventBody): void {
    if (this.#readers.size === 0) return;
    const json = this.#encode(event);
    for (const { client, kinds } of this.#readers) {
      if (kinds === undefined || kinds.has(event.noun) || kinds.has(event.type)) {
        this.#droppedCount += client.send(json);
      }
    }
  }

  /** Undefined: there are `eventClientsMax` readers already, or the node has closed its streams. */
  subscribe(sink: EventSink, kinds: ReadonlySet<string> | undefined): Subscription | undefined {
    if (this.#closed || this.#readers.size >= this.#config.eventClientsMax) return undefined;
    const client = new EventClient({
      sink,
      format: this.#style.format,
      bufferMax: this.#config.eventBufferMax,
      bufferBytesMax: this.#config.eventBufferBytesMax,
      droppedMessage: (count) => this.#encode({ noun: 'node', type: 'dropped', count }),
    });
    const reader: Reader = { client, kinds };
    this.#readers.add(reader);
    this.#armPing();
    return {
      drained: () => client.drained(),
      cancel: () => {
        this.#readers.delete(reader);
        if (this.#readers.size === 0) this.#disarmPing();
      },
    };
  }

  /** Ends all streams and takes no more. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { client } of this.#readers) client.close();
    this.#readers.clear();
    this.#disarmPing();
  }

  #encode(event: NodeEventBody): string {
    return this.#style.encode(event, this.#clock.wallMs());
  }

  #armPing(): void {
    this.#cancelPing ??= this.#clock.wakeAt(this.#clock.now() + this.#config.eventPingMs, () => {
      this.#cancelPing = undefined;
      for (const { client } of this.#readers) client.ping();
      if (this.#readers.size > 0) this.#armPing();
    });
  }

  #disarmPing(): void {
    this.#cancelPing?.();
    this.#cancelPing = undefined;
  }
}
