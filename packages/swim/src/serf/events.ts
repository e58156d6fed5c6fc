import { encodeSerf, type SerfMessage } from '@grp/memberlist-wire';
import { equalBytes } from '../members.ts';
import type { SerfContext } from './context.ts';
import { LamportClock, RecentTimes, isLamportTime } from './lamport.ts';
import { eventAcceptBytesMax, eventBytesMax, eventMemoryBytesMax, eventsPerTimeMax, passOnBytesMax } from './limits.ts';

type EventMessage = Extract<SerfMessage, { type: 'user-event' }>;
type EventState = Pick<Extract<SerfMessage, { type: 'push-pull' }>, 'eventTime' | 'events'>;

interface SeenEvent {
  readonly name: string;
  readonly payload: Uint8Array;
}

/** What an event takes on the wire, in bytes, at any time below 2³²; at most `eventBytesMax` may be sent. */
export function userEventBytes(name: string, payload: Uint8Array): number {
  return encodeSerf({ type: 'user-event', time: 0xffff_ffff, name, payload, coalesce: false }).length;
}

/**
 * User events: every member hears each at least once over gossip or a push-pull, and hands it to its application once
 * while its lamport time is among the last 512.
 */
export class UserEvents {
  readonly #context: SerfContext;
  readonly #clock = new LamportClock();
  readonly #recent = new RecentTimes<SeenEvent[]>(this.#clock);
  #bytes = 0;
  #sent = 0;

  constructor(context: SerfContext) {
    this.#context = context;
  }

  /** Tells everyone, this node's own application too. What is too long is refused and counted. */
  send(name: string, payload: Uint8Array, coalesce: boolean): void {
    if (userEventBytes(name, payload) > eventBytesMax) {
      this.#drop('event-too-long');
      return;
    }
    const message: EventMessage = { type: 'user-event', time: this.#clock.take(), name, payload, coalesce };
    if (this.#take(message)) this.#broadcast(encodeSerf(message));
  }

  /** An event that came by gossip; `body` is passed on as it is. */
  receive(message: EventMessage, body: Uint8Array): void {
    if (!this.#take(message)) return;
    if (body.length <= passOnBytesMax) this.#broadcast(body.slice());
    else this.#drop('too-long-to-pass-on');
  }

  state(): EventState {
    return {
      eventTime: this.#clock.time,
      events: this.#recent.entries().map(({ time, seen }) => ({ time, events: seen })),
    };
  }

  /** Takes the events of a push-pull that are new here. With `ignoreOld` none of those that the peer knows already. */
  merge({ eventTime, events }: EventState, ignoreOld: boolean): void {
    // The peer's clock shows the time of its next event, which nobody has sent yet.
    if (isLamportTime(eventTime) && eventTime > 0) {
      this.#clock.witness(eventTime - 1);
      if (ignoreOld) this.#close(eventTime);
    }
    for (const { time, events: atTime } of events) {
      for (const { name, payload } of atTime) this.#take({ type: 'user-event', time, name, payload, coalesce: false });
    }
  }

  /** True for an event that is new: it has been handed to the application. */
  #take({ time, name, payload, coalesce }: EventMessage): boolean {
    if (!isLamportTime(time)) return this.#drop('time-limit');
    const size = name.length + payload.length;
    if (size > eventAcceptBytesMax) return this.#drop('event-too-long');
    this.#clock.witness(time);
    if (this.#recent.isOver(time)) return this.#drop('event-old');
    const seen = this.#recent.get(time);
    if (seen?.some((event) => event.name === name && equalBytes(event.payload, payload)) === true) return false;
    if ((seen?.length ?? 0) >= eventsPerTimeMax || !this.#makeRoom(time, size)) return this.#drop('events-limit');
    this.#remember(time, { name, payload: payload.slice() }, size);
    this.#context.output({ type: 'user-event', name, payload, time, coalesce });
    return true;
  }

  #remember(time: number, event: SeenEvent, size: number): void {
    const seen = this.#recent.get(time);
    if (seen === undefined) {
      for (const gone of this.#recent.set(time, [event]) ?? []) this.#bytes -= sizeOf(gone);
    } else {
      seen.push(event);
    }
    this.#bytes += size;
  }

  /** Closes the oldest times until `size` more bytes fit; never `time` itself nor what came after it. */
  #makeRoom(time: number, size: number): boolean {
    if (this.#bytes + size <= eventMemoryBytesMax) return true;
    for (const { time: oldest } of this.#recent.entries()) {
      if (oldest >= time) return false;
      this.#close(oldest + 1);
      if (this.#bytes + size <= eventMemoryBytesMax) return true;
    }
    return this.#bytes + size <= eventMemoryBytesMax;
  }

  #close(before: number): void {
    this.#recent.closeBefore(before);
    this.#bytes = 0;
    for (const { seen } of this.#recent.entries()) for (const event of seen) this.#bytes += sizeOf(event);
  }

  #broadcast(body: Uint8Array): void {
    this.#context.broadcast(body, `serf|event|${this.#sent++}`);
  }

  #drop(reason: string): false {
    this.#context.output({ type: 'dropped', reason });
    return false;
  }
}

function sizeOf({ name, payload }: SeenEvent): number {
  return name.length + payload.length;
}
