import type { Millis, Transport } from '@grp/core';
import type { TypedTransport } from '@grp/sim';
import type { Mark } from '../spacetime/events.ts';
import { mergeRecordings } from './merge.ts';
import type { RecordedEvent } from './recording.ts';
import { inOrder, type LabTrace } from './trace.ts';

/** What a message is: its kind, and the same with its numbers. */
export interface Described {
  readonly kind: string;
  readonly label: string;
}

const eventsMax = 200_000;

/** Takes down what simulated processes say and do, as a recorder does with real ones, so that both make the same trace. */
export class TraceTap {
  readonly #now: () => Millis;
  readonly #recordings = new Map<string, { readonly events: RecordedEvent[]; readonly addresses: Set<string> }>();
  readonly #troubles: Mark[] = [];
  readonly #keys = new WeakMap<object, string>();
  #keyCount = 0;
  #count = 0;
  #omittedCount = 0;

  /** @param now the world's time, in ms */
  constructor(now: () => Millis) {
    this.#now = now;
  }

  /** The same transport, each datagram noted as it passes. */
  datagrams(lane: string, transport: Transport, describe: (bytes: Uint8Array) => Described): Transport {
    this.#of(lane).addresses.add(transport.self);
    const described = (payload: Uint8Array) => ({ ...describe(payload), key: contentOf(payload) });
    return {
      self: transport.self,
      maxPayloadBytes: transport.maxPayloadBytes,
      delivery: transport.delivery,
      send: (to, payload) => {
        this.#add(lane, { type: 'departure', at: this.#now(), role: '', to, ...described(payload) });
        transport.send(to, payload);
      },
      onReceive: (listener) =>
        transport.onReceive((from, payload) => {
          this.#add(lane, { type: 'arrival', at: this.#now(), role: '', from, ...described(payload) });
          listener(from, payload);
        }),
      close: () => transport.close(),
    };
  }

  /** The same for messages that are values, each of them sent once. */
  messages<Message extends object>(
    lane: string,
    messages: TypedTransport<Message>,
    describe: (message: Message) => Described,
  ): TypedTransport<Message> {
    this.#of(lane).addresses.add(messages.self);
    const described = (message: Message) => ({ ...describe(message), key: this.#keyOf(message) });
    return {
      self: messages.self,
      send: (to, message) => {
        this.#add(lane, { type: 'departure', at: this.#now(), role: '', to, ...described(message) });
        messages.send(to, message);
      },
      onReceive: (listener) =>
        messages.onReceive((from, message) => {
          this.#add(lane, { type: 'arrival', at: this.#now(), role: '', from, ...described(message) });
          listener(from, message);
        }),
    };
  }

  /** Something that happens in one process. */
  mark(lane: string, mark: Mark['mark'], label: string): void {
    this.#add(lane, { type: 'mark', at: this.#now(), role: '', mark, label });
  }

  /** Something that happens to the whole world. */
  trouble(label: string): void {
    this.#troubles.push({ type: 'mark', at: this.#now(), lane: '', mark: 'trouble', label });
  }

  /** All of it, from `fromMs` on; what happened before is left out, and time counts from there. */
  trace(title: string, fromMs: Millis = 0): LabTrace {
    const recordings = [...this.#recordings].map(([name, { events, addresses }]) => ({
      head: {
        schema: 'grp.node.recording/1' as const,
        name,
        id: name,
        wallMs: 0,
        addresses: Object.fromEntries([...addresses].entries()),
      },
      events,
      omittedCount: 0,
    }));
    const merged = mergeRecordings(recordings);
    const events = inOrder([...merged.events, ...this.#troubles])
      .filter(({ at }) => at >= fromMs)
      .map((event) => ({ ...event, at: event.at - fromMs }));
    return { ...merged, title, origin: 'simulation', events, omittedCount: this.#omittedCount };
  }

  #of(lane: string): { readonly events: RecordedEvent[]; readonly addresses: Set<string> } {
    const known = this.#recordings.get(lane) ?? { events: [], addresses: new Set<string>() };
    this.#recordings.set(lane, known);
    return known;
  }

  #add(lane: string, event: RecordedEvent): void {
    if (++this.#count > eventsMax) this.#omittedCount++;
    else this.#of(lane).events.push(event);
  }

  #keyOf(message: object): string {
    const known = this.#keys.get(message) ?? String(++this.#keyCount);
    this.#keys.set(message, known);
    return known;
  }
}

function contentOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
