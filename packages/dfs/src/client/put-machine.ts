import type { Machine, Millis, Wake } from '@grp/core';
import { blobIdFrom } from '../blob-id.ts';
import { writeQuorumOf } from '../meta/records.ts';
import type { CommitPut, MetaReply, StaleEpoch } from '../messages.ts';
import type { Ack, BlobId, ServerId, ServerView } from '../model.ts';
import { placeReplicas } from '../placement.ts';
import { Backoff } from './backoff.ts';
import { finalFailure, type Failure } from './failure.ts';
import { PutStreams } from './put-streams.ts';
import type { PutEffect, PutInput, PutOptions } from './put-types.ts';

type Phase = 'idle' | 'placing' | 'streaming' | 'committing' | 'trailing' | 'closed';

const restartsMax = 3;
const joinPatienceMs = 5_000;

/**
 * One put: sends the bytes to as many servers as replicas are wanted, all at once, and commits the version when a
 * majority of them has stored it durably. It waits for no replica beyond that majority; the others may finish afterwards.
 */
export class PutMachine implements Machine<PutInput, PutEffect> {
  readonly #options: PutOptions;
  readonly #quorum: number;
  readonly #backoff: Backoff;
  #phase: Phase = 'idle';
  #blob: BlobId = '';
  #epoch = 0;
  #streams: PutStreams;
  #source = { bytes: 0, sha256: '', ended: false };
  #demand = 0;
  #call = 0;
  /** The request whose reply is awaited; replies to others are ignored. */
  #awaited = 0;
  #askAgainAt: Millis | undefined;
  #committed: readonly ServerId[] = [];
  #progressAt: Millis = 0;
  #trailUntil: Millis = 0;
  #restarts = 0;
  #hasAsked = false;
  #lastProblem = 'no server answered';
  #now: Millis = 0;
  #effects: PutEffect[] = [];

  constructor(options: PutOptions) {
    this.#options = options;
    this.#quorum = writeQuorumOf(options.replicas);
    this.#backoff = new Backoff(options.config);
    this.#streams = new PutStreams(options.config, this.#quorum);
  }

  step(inputs: readonly (PutInput | Wake)[], now: Millis): readonly PutEffect[] {
    this.#effects = [];
    this.#now = now;
    for (const input of inputs) if (this.#phase !== 'closed') this.#take(input);
    if (this.#phase !== 'closed') this.#advance();
    return this.#effects;
  }

  nextDeadline(): Millis | undefined {
    if (this.#phase === 'closed' || this.#phase === 'idle') return undefined;
    if (this.#phase === 'trailing') return this.#trailUntil;
    const times = [this.#askAgainAt, this.#giveUpAt(), this.#streams.nextDeadline(this.#now)];
    return times.reduce((least, at) => (at === undefined ? least : Math.min(least ?? Infinity, at)), undefined);
  }

  #take(input: PutInput | Wake): void {
    switch (input.type) {
      case 'start':
        this.#progressAt = this.#now;
        return this.#begin();
      case 'reply':
        return input.call === this.#awaited ? this.#onReply(input.reply) : undefined;
      case 'unanswered':
        return input.call === this.#awaited ? this.#askAgain('no node answered') : undefined;
      case 'moved':
        if (this.#streams.moved(input.stream, input.bytes, this.#now)) this.#progressAt = this.#now;
        return;
      case 'stored':
        return this.#onStored(input.stream, input.ack);
      case 'stream-failed':
        this.#lastProblem = `a server was ${input.problem}`;
        return this.#streams.failed(input.stream, input.problem);
      case 'source':
        this.#source.bytes = input.bytes;
        return;
      case 'source-ended':
        this.#source = { bytes: input.bytes, sha256: input.sha256, ended: true };
        return;
      case 'source-failed':
        return this.#fail({ code: 'DFS_SOURCE_CHANGED', context: { problem: input.problem } });
      case 'abort':
        return this.#fail({ code: 'DFS_ABORTED', context: {} });
      case 'wake':
    }
  }

  #advance(): void {
    if (this.#phase === 'trailing') return this.#trail();
    if (this.#askAgainAt !== undefined && this.#askAgainAt <= this.#now) this.#ask();
    if (this.#phase === 'streaming') this.#stream();
    if (this.#phase === 'streaming' && this.#source.ended && this.#streams.acks().length >= this.#quorum)
      this.#commit();
    if (this.#isOpen() && (this.#giveUpAt() ?? Infinity) <= this.#now) this.#giveUp();
  }

  #begin(): void {
    const { view, ifVersion, ifAbsent } = this.#options;
    this.#phase = 'placing';
    // A condition that does not hold already is told before any bytes are sent.
    const isConditional = ifVersion !== undefined || ifAbsent === true;
    if (view !== undefined && !isConditional && !this.#hasAsked && this.#place(view)) return;
    this.#ask();
  }

  /** Places by what is known of the servers. False: that is too few. */
  #place(view: ServerView): boolean {
    const { replicas, bytesHint = 0, reserveBytes, random } = this.#options;
    const blob = blobIdFrom(random);
    const targets = placeReplicas({ blob, servers: view.servers, count: replicas, bytes: bytesHint, reserveBytes });
    if (targets.length < this.#quorum) return false;
    this.#open(blob, view.epoch, targets);
    return true;
  }

  #open(blob: BlobId, epoch: number, targets: ServerView['servers']): void {
    this.#blob = blob;
    this.#epoch = epoch;
    this.#phase = 'streaming';
    this.#progressAt = this.#now;
    for (const to of targets) this.#openStream(to, epoch);
  }

  #openStream(to: ServerView['servers'][number], epoch: number): void {
    const stream = this.#streams.open(to, this.#now);
    this.#effects.push({ type: 'open-stream', stream, to, blob: this.#blob, epoch });
  }

  #stream(): void {
    const demand = this.#streams.demand(this.#source, this.#now);
    for (const stream of this.#streams.takeHopeless()) this.#effects.push({ type: 'close-stream', stream });
    if (demand > this.#demand) {
      this.#demand = demand;
      this.#effects.push({ type: 'demand', bytes: demand });
    }
    if (this.#awaited !== 0 || this.#askAgainAt !== undefined) return;
    const missing = this.#streams.missing(this.#source, this.#now, this.#options.replicas);
    if (missing === 0) return;
    const isUntouched = this.#source.bytes === 0 && !this.#source.ended;
    if (this.#options.replayable || isUntouched) this.#ask();
    else if (this.#streams.hopeful < this.#quorum) this.#giveUp();
  }

  /** Sends the request that this phase waits for. */
  #ask(): void {
    this.#askAgainAt = undefined;
    this.#awaited = ++this.#call;
    if (this.#phase === 'committing') return this.#sendCommit();
    this.#hasAsked = true;
    const { name, requestId, replicas, keep, bytesHint, ifVersion, ifAbsent } = this.#options;
    const avoid = [...this.#streams.servers()];
    const isFirst = this.#phase === 'placing';
    const conditions = isFirst ? { ifVersion, ifAbsent } : {};
    const request = { kind: 'open-put', name, requestId, replicas, keep, bytesHint, avoid, ...conditions } as const;
    this.#effects.push({ type: 'request', call: this.#awaited, request });
  }

  #askAgain(problem: string): void {
    this.#lastProblem = problem;
    this.#awaited = 0;
    this.#askAgainAt = this.#now + this.#backoff.next();
  }

  #onReply(reply: MetaReply): void {
    this.#awaited = 0;
    const failure = finalFailure(reply);
    if (failure !== undefined) return this.#fail(failure);
    if (reply.kind === 'placement' && this.#phase === 'placing') {
      const { targets, blob, epoch } = reply;
      if (targets.length < this.#quorum) return this.#tooFew(targets.length);
      this.#backoff.reset();
      return this.#open(blob, epoch, targets);
    }
    if (reply.kind === 'placement' && this.#phase === 'streaming') return this.#replace(reply.targets, reply.epoch);
    if (reply.kind === 'committed') return this.#onCommitted(reply);
    if (reply.kind === 'stale-epoch') return this.#onStale(reply);
    if (reply.kind === 'tombstoned') return this.#onTombstoned();
    this.#askAgain(reply.kind === 'failed' ? reply.message : `the answer was ${reply.kind}`);
  }

  /** More targets for the same blob, instead of those that failed or stand still. */
  #replace(targets: ServerView['servers'], epoch: number): void {
    const missing = this.#streams.missing(this.#source, this.#now, this.#options.replicas);
    const known = new Set(this.#streams.servers());
    const fresh = targets.filter(({ id }) => !known.has(id)).slice(0, missing);
    this.#streams.replaced(this.#now);
    for (const to of fresh) this.#openStream(to, epoch);
    if (this.#streams.hopeful >= this.#quorum) return;
    // Nobody is left but those that failed: they may have recovered.
    this.#streams.forgetFailed();
    this.#askAgain(this.#lastProblem);
  }

  #onStored(stream: number, ack: Ack): void {
    if (this.#streams.stored(stream, ack, this.#now)) this.#progressAt = this.#now;
    if (this.#phase === 'trailing') this.#effects.push({ type: 'late', blob: this.#blob, ack });
  }

  #commit(): void {
    this.#phase = 'committing';
    this.#backoff.reset();
    this.#ask();
  }

  #sendCommit(): void {
    const { name, requestId, replicas, keep, ifVersion, ifAbsent } = this.#options;
    const { bytes, sha256 } = this.#source;
    const acks = this.#streams.acks();
    this.#committed = acks.map(({ node }) => node);
    const put = { name, requestId, replicas, keep, ifVersion, ifAbsent, bytes, sha256 };
    const request: CommitPut = { kind: 'commit-put', ...put, blob: this.#blob, epoch: this.#epoch, acks };
    this.#effects.push({ type: 'request', call: this.#awaited, request });
  }

  #onCommitted({ version, holders, serversChangedAt }: Extract<MetaReply, { kind: 'committed' }>): void {
    this.#effects.push({ type: 'done', version, holders, serversChangedAt });
    this.#phase = 'trailing';
    this.#trailUntil = this.#now + this.#options.config.lateMs;
    for (const ack of this.#streams.acks())
      if (!this.#committed.includes(ack.node)) this.#effects.push({ type: 'late', blob: this.#blob, ack });
  }

  #onStale({ view, valid }: StaleEpoch): void {
    // Who has stored it since the commit was sent is not judged by this answer.
    this.#streams.discard(this.#committed.filter((id) => !valid.includes(id)));
    this.#phase = 'streaming';
    if (!this.#options.replayable && this.#streams.hopeful < this.#quorum) return this.#giveUp();
    if (this.#streams.hopeful >= this.#quorum) return;
    const { replicas, reserveBytes } = this.#options;
    const holders = [...this.#streams.servers()];
    const missing = replicas - this.#streams.hopeful;
    const bytes = this.#source.bytes;
    const blob = this.#blob;
    const fresh = placeReplicas({ blob, servers: view.servers, count: missing, bytes, reserveBytes, holders });
    for (const to of fresh) this.#openStream(to, view.epoch);
  }

  /** The blob was given up, by a collector that took this put for dead: its bytes must go under another id. */
  #onTombstoned(): void {
    if (!this.#options.replayable || ++this.#restarts > restartsMax) {
      this.#lastProblem = 'the put took so long that it was given up';
      return this.#giveUp();
    }
    this.#closeStreams();
    this.#streams = new PutStreams(this.#options.config, this.#quorum, this.#streams);
    this.#phase = 'placing';
    this.#ask();
  }

  #trail(): void {
    const isOver = this.#trailUntil <= this.#now;
    if (isOver) this.#closeStreams();
    if (isOver || this.#streams.hopeful === this.#streams.acks().length) this.#close();
  }

  #closeStreams(): void {
    for (const stream of this.#streams.unfinished()) this.#effects.push({ type: 'close-stream', stream });
  }

  /** Undefined while it is the source, or nobody, that is waited for. */
  #giveUpAt(): Millis | undefined {
    if (!this.#isOpen()) return undefined;
    const isIdle = this.#phase === 'streaming' && this.#streams.isCaughtUp(this.#source);
    return isIdle ? undefined : this.#progressAt + this.#options.config.putTimeoutMs;
  }

  #isOpen(): boolean {
    return this.#phase === 'placing' || this.#phase === 'streaming' || this.#phase === 'committing';
  }

  #tooFew(usable: number): void {
    const { view } = this.#options;
    const known = view === undefined ? usable : Math.max(usable, view.servers.length);
    // A store that has just begun: its servers are about to join.
    if (known === 0 && this.#now - this.#progressAt < joinPatienceMs)
      return this.#askAgain('no file server has joined');
    this.#fail({ code: 'DFS_NO_SERVERS', context: { needed: this.#quorum, usable, known } });
  }

  #giveUp(): void {
    const problem = this.#lastProblem;
    const { putTimeoutMs } = this.#options.config;
    const acknowledged = this.#streams.acks().length;
    if (this.#phase === 'streaming')
      return this.#fail({ code: 'DFS_NO_QUORUM', context: { acknowledged, needed: this.#quorum, problem } });
    this.#fail({ code: 'DFS_META_UNREACHABLE', context: { timeoutMs: putTimeoutMs, problem } });
  }

  #fail(failure: Failure): void {
    if (this.#phase === 'trailing') return;
    this.#effects.push({ type: 'failed', failure });
    this.#closeStreams();
    if (this.#blob !== '') {
      const holders = [...this.#streams.servers()].slice(0, 16);
      // A commit whose answer was not heard wins over this.
      const request = { kind: 'abandon-put', blob: this.#blob, holders } as const;
      this.#effects.push({ type: 'request', call: ++this.#call, request });
    }
    this.#close();
  }

  #close(): void {
    this.#phase = 'closed';
    this.#effects.push({ type: 'closed' });
  }
}
