import type { Machine, Millis, Wake } from '@grp/core';
import type { MetaReply } from '../messages.ts';
import type { FileServer, Manifest, ServerId } from '../model.ts';
import { Backoff } from './backoff.ts';
import { finalFailure, type Failure } from './failure.ts';
import type { GetEffect, GetInput, GetOptions, ReadProblem } from './get-types.ts';

type Phase = 'idle' | 'finding' | 'reading' | 'digesting' | 'checking' | 'closed';

// So many times its patience a holder gives bytes without standing still before patience shortens.
const steadyFactor = 10;

/**
 * One get: a linearizable lookup, then the bytes from the nearest holder, which is left for the next one, at the same
 * offset, when it fails or stands still. A second holder's copy is checked meanwhile. Never another version than the one
 * that was found first, once a byte of it was handed over.
 */
export class GetMachine implements Machine<GetInput, GetEffect> {
  readonly #options: GetOptions;
  readonly #backoff: Backoff;
  #phase: Phase = 'idle';
  #manifest: Manifest | undefined;
  #holders: readonly FileServer[] = [];
  /** Holders of this lookup that were not asked yet, the next one first. */
  #untried: FileServer[] = [];
  #read: { readonly number: number; readonly from: FileServer; readonly startedAt: number } | undefined;
  #check: { readonly number: number; readonly at: FileServer } | undefined;
  readonly #sources = new Set<ServerId>();
  #offset = 0;
  #length = 0;
  #given = 0;
  #stalls = 0;
  /** Since when nobody stood still, or patience was last shortened. */
  #steadySince: Millis = 0;
  #isPaused = false;
  #number = 0;
  #awaited = 0;
  #askAgainAt: Millis | undefined;
  #movedAt: Millis = 0;
  #progressAt: Millis = 0;
  #lastProblem = 'no server answered';
  #now: Millis = 0;
  #effects: GetEffect[] = [];

  constructor(options: GetOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.config);
  }

  step(inputs: readonly (GetInput | Wake)[], now: Millis): readonly GetEffect[] {
    this.#effects = [];
    this.#now = now;
    for (const input of inputs) if (this.#phase !== 'closed') this.#take(input);
    if (this.#phase !== 'closed') this.#watch();
    return this.#effects;
  }

  nextDeadline(): Millis | undefined {
    if (this.#phase === 'closed' || this.#phase === 'idle') return undefined;
    const { getTimeoutMs } = this.#options.config;
    if (this.#phase === 'checking') return this.#progressAt + this.#options.config.lateMs;
    if (this.#isPaused) return undefined;
    const stalls = this.#read === undefined ? Infinity : this.#movedAt + this.#stallMs();
    return Math.min(this.#progressAt + getTimeoutMs, stalls, this.#askAgainAt ?? Infinity);
  }

  #take(input: GetInput | Wake): void {
    switch (input.type) {
      case 'start':
        this.#progressAt = this.#now;
        return this.#find();
      case 'reply':
        return input.call === this.#awaited ? this.#onReply(input.reply) : undefined;
      case 'unanswered':
        return input.call === this.#awaited ? this.#findAgain('no node answered') : undefined;
      case 'data':
        return this.#onData(input.read, input.bytes);
      case 'read-failed':
        return input.read === this.#read?.number ? this.#leave(input.problem) : undefined;
      case 'paused':
        this.#isPaused = input.paused;
        this.#movedAt = this.#progressAt = this.#now;
        return;
      case 'whole':
        return this.#onWhole(input.sha256);
      case 'checked':
        return this.#onChecked(input.check, input.sha256 === this.#manifest?.sha256 ? undefined : 'bad');
      case 'check-failed':
        return this.#onChecked(input.check, input.problem);
      case 'abort':
        return this.#fail({ code: 'DFS_ABORTED', context: {} });
      case 'wake':
    }
  }

  #watch(): void {
    const { getTimeoutMs, lateMs } = this.#options.config;
    if (this.#phase === 'checking') {
      if (this.#check === undefined || this.#progressAt + lateMs <= this.#now) this.#close();
      return;
    }
    if (this.#isPaused) return;
    if (this.#askAgainAt !== undefined && this.#askAgainAt <= this.#now) this.#find();
    if (this.#read !== undefined && this.#movedAt + this.#stallMs() <= this.#now) {
      this.#stalls++;
      this.#steadySince = this.#now;
      this.#leave('unreachable');
    }
    if (this.#phase !== 'digesting' && this.#progressAt + getTimeoutMs <= this.#now) this.#giveUp();
  }

  /**
   * Doubles with each that stood still, and shortens again step by step while bytes come steadily. If all are slow, none
   * would ever be waited for; if it fell back with the first byte, slow holders would be left over and over.
   */
  #stallMs(): Millis {
    return this.#options.config.stallMs * 2 ** Math.min(this.#stalls, 8);
  }

  #find(): void {
    this.#phase = 'finding';
    this.#askAgainAt = undefined;
    this.#awaited = ++this.#number;
    const { name } = this.#options;
    const version = this.#given > 0 ? this.#manifest?.version : this.#options.version;
    this.#effects.push({ type: 'request', call: this.#awaited, request: { kind: 'lookup', name, version } });
  }

  #findAgain(problem: string): void {
    this.#lastProblem = problem;
    this.#phase = 'finding';
    this.#awaited = 0;
    this.#askAgainAt = this.#now + this.#backoff.next();
  }

  #onReply(reply: MetaReply): void {
    this.#awaited = 0;
    if (reply.kind === 'found') return this.#onFound(reply.manifest, reply.holders);
    const failure = finalFailure(reply);
    if (failure !== undefined && this.#given > 0)
      return this.#fail(this.#unreadable('it was collected while it was read'));
    if (failure !== undefined) return this.#fail(failure);
    this.#findAgain(reply.kind === 'failed' ? reply.message : `the answer was ${reply.kind}`);
  }

  #onFound(manifest: Manifest, holders: readonly FileServer[]): void {
    const isNew = this.#manifest?.version !== manifest.version;
    this.#manifest = manifest;
    this.#holders = holders;
    this.#untried = this.#inOrder(holders);
    if (isNew) {
      const { offset = 0, length } = this.#options.range ?? {};
      if (offset > manifest.bytes) {
        const problem = `the range begins at ${offset}, the file has ${manifest.bytes} bytes`;
        return this.#fail({ code: 'DFS_REQUEST_INVALID', context: { problem } });
      }
      this.#offset = offset;
      this.#length = Math.min(length ?? Infinity, manifest.bytes - offset);
      this.#effects.push({ type: 'found', manifest, offset, length: this.#length });
      if (this.#length === 0) return this.#finishReading();
      this.#startCheck();
    }
    this.#next();
  }

  #inOrder(holders: readonly FileServer[]): FileServer[] {
    const { prefer } = this.#options;
    const rank = ({ id }: FileServer): number => (prefer.includes(id) ? prefer.indexOf(id) : prefer.length);
    return holders.toSorted((a, b) => rank(a) - rank(b));
  }

  /** The second of the holders: it is not the one that is read, as long as that one works. */
  #startCheck(): void {
    const at = this.#untried[1];
    const blob = this.#manifest?.blob;
    if (at === undefined || blob === undefined || this.#options.range !== undefined) return;
    this.#check = { number: ++this.#number, at };
    this.#effects.push({ type: 'check', check: this.#check.number, at, blob });
  }

  #next(): void {
    const from = this.#untried.shift();
    const blob = this.#manifest?.blob;
    if (from === undefined || blob === undefined) return this.#findAgain(this.#lastProblem);
    this.#phase = 'reading';
    this.#read = { number: ++this.#number, from, startedAt: this.#given };
    this.#movedAt = this.#now;
    const [offset, length] = [this.#offset + this.#given, this.#length - this.#given];
    this.#effects.push({ type: 'read', read: this.#read.number, from, blob, offset, length });
  }

  #onData(read: number, bytes: number): void {
    if (read !== this.#read?.number) return;
    this.#given = this.#read.startedAt + bytes;
    this.#movedAt = this.#progressAt = this.#now;
    if (this.#stalls > 0 && this.#now - this.#steadySince >= steadyFactor * this.#stallMs()) {
      this.#stalls--;
      this.#steadySince = this.#now;
    }
    this.#backoff.reset();
    this.#sources.add(this.#read.from.id);
    if (this.#given >= this.#length) this.#finishReading();
  }

  #leave(problem: ReadProblem): void {
    const read = this.#read;
    if (read === undefined) return;
    this.#effects.push({ type: 'cancel', read: read.number });
    this.#read = undefined;
    this.#lastProblem = `${read.from.id} was ${problem}`;
    if (problem !== 'unreachable') this.#report(read.from);
    this.#next();
  }

  /** Its copy is no good: the master has it replaced. Nobody waits for the answer. */
  #report({ id: node, incarnation }: FileServer): void {
    const blob = this.#manifest?.blob;
    if (blob === undefined) return;
    const request = { kind: 'rot-report', node, incarnation, blob } as const;
    this.#effects.push({ type: 'request', call: ++this.#number, request });
  }

  #finishReading(): void {
    this.#read = undefined;
    if (!this.#options.isWhole) return this.#finish();
    this.#phase = 'digesting';
    this.#effects.push({ type: 'digest-whole' });
  }

  #onWhole(sha256: string): void {
    if (this.#phase !== 'digesting') return;
    if (sha256 === this.#manifest?.sha256) return this.#finish();
    // Each piece fitted its checksum and the whole does not: with one source it is clear whose fault that is.
    const only = this.#sources.size === 1 ? this.#holders.find(({ id }) => this.#sources.has(id)) : undefined;
    if (only !== undefined) this.#report(only);
    this.#fail({ code: 'DFS_CORRUPT', context: { problem: 'their digest is another' } });
  }

  #finish(): void {
    this.#effects.push({ type: 'done' });
    this.#progressAt = this.#now;
    this.#phase = 'checking';
  }

  #onChecked(check: number, problem: ReadProblem | undefined): void {
    if (check !== this.#check?.number) return;
    if (problem === 'bad' || problem === 'missing') this.#report(this.#check.at);
    this.#check = undefined;
  }

  #unreadable(problem: string): Failure {
    return { code: 'DFS_UNREADABLE', context: { version: this.#manifest?.version ?? 0, problem } };
  }

  #giveUp(): void {
    const { getTimeoutMs: timeoutMs } = this.#options.config;
    const problem = this.#lastProblem;
    if (this.#manifest !== undefined) return this.#fail(this.#unreadable(problem));
    this.#fail({ code: 'DFS_META_UNREACHABLE', context: { timeoutMs, problem } });
  }

  #fail(failure: Failure): void {
    if (this.#phase === 'checking') return;
    if (this.#read !== undefined) this.#effects.push({ type: 'cancel', read: this.#read.number });
    this.#effects.push({ type: 'failed', failure });
    this.#close();
  }

  #close(): void {
    this.#phase = 'closed';
    this.#effects.push({ type: 'closed' });
  }
}
