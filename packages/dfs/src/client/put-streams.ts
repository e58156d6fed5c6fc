import type { Millis } from '@grp/core';
import type { ClientConfig } from '../config.ts';
import type { Ack, FileServer, ServerId } from '../model.ts';
import type { PutStream, StreamProblem } from './put-types.ts';

interface Source {
  readonly bytes: number;
  readonly ended: boolean;
}

/** A target that stands still is only replaced after so many stall times: a busy disk may take some for an fsync. */
const replaceStalls = 5;

/** The replicas of one put: who has what, who is slow, and how far the source may run ahead. */
export class PutStreams {
  readonly #config: ClientConfig;
  readonly #quorum: number;
  readonly #streams = new Map<number, PutStream>();
  readonly #failed = new Set<ServerId>();
  #hopeless: number[] = [];
  #number: number;
  #replacedAt: Millis = -Infinity;
  /** A target refused before it took anything: another can be taken at no cost. */
  #refusedEarly = 0;

  constructor(config: ClientConfig, quorum: number, before?: PutStreams) {
    this.#config = config;
    this.#quorum = quorum;
    this.#number = before === undefined ? 0 : before.#number;
  }

  open(to: FileServer, now: Millis): number {
    const stream = ++this.#number;
    const still = { moved: 0, movedAt: now, blockedMs: 0, blockedSince: undefined, ack: undefined };
    this.#streams.set(stream, { stream, to, ...still });
    return stream;
  }

  moved(number: number, bytes: number, now: Millis): boolean {
    const stream = this.#streams.get(number);
    if (stream === undefined || bytes <= stream.moved) return false;
    stream.moved = bytes;
    stream.movedAt = now;
    return true;
  }

  stored(number: number, ack: Ack, now: Millis): boolean {
    const stream = this.#streams.get(number);
    if (stream === undefined || stream.to.id !== ack.node) return false;
    stream.ack = ack;
    stream.movedAt = now;
    return true;
  }

  failed(number: number, problem: StreamProblem): void {
    const stream = this.#streams.get(number);
    if (stream === undefined || stream.ack !== undefined) return;
    if (stream.moved === 0 && problem !== 'not-replayable') this.#refusedEarly++;
    this.#streams.delete(number);
    this.#failed.add(stream.to.id);
  }

  /** Streams that have stored everything or may still do so. */
  get hopeful(): number {
    return this.#streams.size;
  }

  acks(): readonly Ack[] {
    return [...this.#streams.values()].flatMap(({ ack }) => ack ?? []);
  }

  unfinished(): readonly number[] {
    return [...this.#streams.values()].filter(({ ack }) => ack === undefined).map(({ stream }) => stream);
  }

  /** Everybody that was tried. */
  servers(): ReadonlySet<ServerId> {
    return new Set([...[...this.#streams.values()].map(({ to }) => to.id), ...this.#failed]);
  }

  /** What these have stored does not count: it was stored in a life that is over. */
  discard(servers: readonly ServerId[]): void {
    for (const [number, { ack, to }] of this.#streams)
      if (ack !== undefined && servers.includes(to.id)) this.#streams.delete(number);
  }

  forgetFailed(): void {
    this.#failed.clear();
  }

  replaced(now: Millis): void {
    this.#replacedAt = now;
    this.#refusedEarly = 0;
  }

  /** How many more targets would help: for the quorum, or in place of some that refused at once. */
  missing(source: Source, now: Millis, replicas: number): number {
    const { stallMs } = this.#config;
    const moving = [...this.#streams.values()].filter(
      (stream) => stream.ack !== undefined || !this.#isStalled(stream, source, now, replaceStalls * stallMs),
    );
    if (moving.length < this.#quorum && now - this.#replacedAt >= replaceStalls * stallMs)
      return this.#quorum - moving.length;
    const early = Math.min(this.#refusedEarly, replicas - this.#streams.size);
    return this.#streams.size < this.#quorum ? this.#quorum - this.#streams.size : Math.max(0, early);
  }

  /** How far the source may be read: the quorum's pace decides, and nobody who is too slow for it. */
  demand(source: Source, now: Millis): number {
    const { windowBytes, lagBytesMax, stallMs } = this.#config;
    const sorted = [...this.#streams.values()].toSorted((a, b) => b.moved - a.moved);
    const pace = sorted[Math.min(this.#quorum, sorted.length) - 1]?.moved ?? 0;
    let limit = pace + windowBytes;
    for (const stream of sorted.slice(this.#quorum)) {
      const own = stream.moved + lagBytesMax;
      const isBlocking = stream.ack === undefined && !source.ended && own < limit && source.bytes >= own;
      this.#account(stream, isBlocking, now);
      if (stream.blockedMs >= stallMs) this.#giveUp(stream);
      else if (stream.ack === undefined) limit = Math.min(limit, own);
    }
    return limit;
  }

  /** Streams that fell too far behind, once each: to be closed. */
  takeHopeless(): readonly number[] {
    const hopeless = this.#hopeless;
    this.#hopeless = [];
    return hopeless;
  }

  /** Every target has what was read, and the source has more to give. */
  isCaughtUp(source: Source): boolean {
    return !source.ended && [...this.#streams.values()].some(({ moved }) => moved >= source.bytes);
  }

  nextDeadline(now: Millis): Millis | undefined {
    let at: Millis | undefined;
    for (const { ack, movedAt, blockedSince, blockedMs } of this.#streams.values()) {
      if (ack !== undefined) continue;
      const stalls = Math.max(movedAt, this.#replacedAt) + replaceStalls * this.#config.stallMs;
      const blocks = blockedSince === undefined ? Infinity : blockedSince + this.#config.stallMs - blockedMs;
      for (const time of [stalls, blocks]) if (time > now && time < (at ?? Infinity)) at = time;
    }
    return at;
  }

  #isStalled({ moved, movedAt }: PutStream, source: Source, now: Millis, ms: Millis): boolean {
    const hasWork = source.ended || source.bytes > moved;
    return hasWork && now - movedAt >= ms;
  }

  #account(stream: PutStream, isBlocking: boolean, now: Millis): void {
    if (stream.blockedSince !== undefined) stream.blockedMs += now - stream.blockedSince;
    stream.blockedSince = isBlocking ? now : undefined;
  }

  #giveUp({ stream, to }: PutStream): void {
    this.#streams.delete(stream);
    this.#failed.add(to.id);
    this.#hopeless.push(stream);
  }
}
