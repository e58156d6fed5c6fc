import { drive, type Clock, type Driver } from '@grp/core';
import type { ClientPayload, Effect, Input, MembershipStep, Refusal, Ticket } from './effects.ts';
import type { Message } from './messages.ts';
import type { RaftPeers, RaftStorage } from './ports.ts';
import type { RaftMachine, RaftStatus } from './protocol/machine.ts';
import type { Outcome, SessionedStateMachine, SnapshotPieces } from './state-machine.ts';
import type { Entry, LogIndex, ServerId, SnapshotInfo, Term } from './types.ts';

/** How an operation ended. */
export type Ended =
  | Outcome
  /** Surely not done. */
  | { readonly type: 'not-done'; readonly reason: Refusal | 'overwritten'; readonly leader: ServerId | undefined }
  /** Done, not done, or done later: a snapshot hides it, or this server stopped. */
  | { readonly type: 'unknown' };

/** What a replica tells its surroundings. */
export interface ReplicaListeners {
  readonly onEffect?: (effect: Effect) => void;
  readonly onApplied?: (entry: Entry, outcome: Outcome) => void;
  readonly onRestored?: (index: LogIndex) => void;
  readonly onFatal: (cause: unknown) => void;
}

/** The machine of a server, and what it works on. */
export interface ReplicaOptions extends ReplicaListeners {
  readonly machine: RaftMachine;
  readonly stateMachine: SessionedStateMachine;
  readonly storage: RaftStorage;
  readonly peers: RaftPeers;
  readonly clock: Clock;
  readonly defer?: (callback: () => void) => void;
}

/** Reads the state machine, at once or step by step, and gives what it found. */
export type Query = (answer: (value: unknown) => void) => void;

/** What became of a read. */
export type ReadEnded = { readonly type: 'done'; readonly value: unknown } | Extract<Ended, { type: 'not-done' }>;

interface WaitingRead {
  readonly query: Query;
  readonly done: (ended: ReadEnded) => void;
  value: unknown;
}

interface AcceptedProposal {
  readonly term: Term;
  readonly done: (ended: Ended) => void;
  /** Several of different terms may wait for one place: which of them got it is known when it is applied, not earlier. */
  readonly other: AcceptedProposal | undefined;
}

/** One server at work: the machine, its disk, its peers, its state machine, and those who wait for answers. */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #driver: Driver<Input>;
  #ticket = 0;
  #isStopped = false;
  readonly #proposals = new Map<Ticket, (ended: Ended) => void>();
  readonly #accepted = new Map<LogIndex, AcceptedProposal>();
  readonly #reads = new Map<Ticket, WaitingRead>();
  readonly #transfers = new Map<Ticket, (isDone: boolean) => void>();

  constructor(options: ReplicaOptions) {
    this.#options = options;
    const { machine, clock, onFatal, defer } = options;
    this.#driver = drive<Input, Effect>({
      machine,
      clock,
      perform: (effect) => this.#perform(effect),
      onFatal,
      ...(defer && { defer }),
    });
  }

  start(): void {
    this.#driver.push({ type: 'start' });
  }

  /** Ends this life. Whoever waits learns nothing more than that. */
  stop(): void {
    this.#isStopped = true;
    this.#driver.stop();
    const [proposals, accepted] = [[...this.#proposals.values()], [...this.#accepted.values()]];
    this.#proposals.clear();
    this.#accepted.clear();
    for (const done of proposals) done({ type: 'unknown' });
    for (const waiting of accepted) tell(waiting, () => ({ type: 'unknown' }));
    for (const { done } of this.#reads.values()) done({ type: 'not-done', reason: 'stopped', leader: undefined });
    this.#reads.clear();
    for (const done of this.#transfers.values()) done(false);
    this.#transfers.clear();
  }

  receive(from: ServerId, message: Message): void {
    this.#driver.push({ type: 'receive', from, message });
  }

  /** Optional: a leader whose connection stands is given more time before it is doubted. `disconnected` must then follow. */
  connected(peer: ServerId): void {
    this.#driver.push({ type: 'connected', peer });
  }

  disconnected(peer: ServerId): void {
    this.#driver.push({ type: 'disconnected', peer });
  }

  setLowOnSpace(isLow: boolean): void {
    this.#driver.push({ type: 'space', isLow });
  }

  /** Takes a snapshot as soon as all that was handed out is applied. */
  snapshot(): void {
    this.#driver.push({ type: 'snapshot' });
  }

  propose(payload: ClientPayload, done: (ended: Ended) => void): void {
    this.#ask(this.#proposals, done, (ticket) => ({ type: 'propose', ticket, payload }));
  }

  change(steps: readonly MembershipStep[], done: (ended: Ended) => void): void {
    this.#ask(this.#proposals, done, (ticket) => ({ type: 'change', ticket, steps }));
  }

  /** Reads the state machine, linearizably: `query` runs when it may, and its value is given once it counts. */
  read(mode: 'read-index' | 'lease', query: Query, done: (ended: ReadEnded) => void): void {
    this.#ask(this.#reads, { query, done, value: undefined }, (ticket) => ({ type: 'read', ticket, mode }));
  }

  transfer(to: ServerId | undefined, done: (isDone: boolean) => void): void {
    this.#ask(this.#transfers, done, (ticket) => ({ type: 'transfer', ticket, ...(to !== undefined && { to }) }));
  }

  status(): RaftStatus {
    return this.#options.machine.status();
  }

  #ask<Waiter>(waiters: Map<Ticket, Waiter>, waiter: Waiter, input: (ticket: Ticket) => Input): void {
    const ticket = ++this.#ticket;
    waiters.set(ticket, waiter);
    if (!this.#driver.push(input(ticket))) this.#refused(ticket, 'stopped', undefined);
  }

  #push(input: Input): void {
    this.#driver.push(input);
  }

  #perform(effect: Effect): void {
    const { peers, onEffect } = this.#options;
    onEffect?.(effect);
    switch (effect.type) {
      case 'send':
        peers.send(effect.to, effect.message);
        break;
      case 'apply':
        this.#apply(effect.entries);
        break;
      case 'accepted':
        this.#accept(effect.ticket, effect.index, effect.term);
        break;
      case 'refused':
        this.#refused(effect.ticket, effect.reason, effect.leader);
        break;
      case 'read-ready':
        this.#onReadReady(effect.ticket, effect.mustConfirm);
        break;
      case 'read-confirmed':
        this.#answerRead(effect.ticket);
        break;
      case 'transferred':
        this.#transfers.get(effect.ticket)?.(effect.isDone);
        this.#transfers.delete(effect.ticket);
        break;
      case 'configuration':
        peers.configure(effect.configuration);
        break;
      case 'stopped':
        this.stop();
        break;
      default:
        this.#performOnDisk(effect);
    }
  }

  #performOnDisk(effect: Effect): void {
    const { storage, stateMachine } = this.#options;
    switch (effect.type) {
      case 'persist': {
        const { number } = effect;
        storage.persist(effect, (reason) =>
          this.#push(reason === undefined ? { type: 'durable', number } : { type: 'persist-failed', reason }),
        );
        break;
      }
      case 'read-log':
        storage.readLog(effect, (entries) => this.#push({ type: 'log-read', ticket: effect.ticket, entries }));
        break;
      case 'compact':
        storage.compact(effect.through);
        break;
      case 'recovered':
        storage.recovered();
        break;
      case 'take-snapshot':
        storage.saveSnapshot(effect, stateMachine.snapshot(), (snapshot, bug) =>
          bug === undefined ? this.#push({ type: 'snapshot-taken', snapshot }) : this.#fatal(bug),
        );
        break;
      case 'read-snapshot':
        storage.readSnapshot(effect, (bytes) => this.#push({ type: 'snapshot-read', ticket: effect.ticket, bytes }));
        break;
      case 'save-chunk':
        storage.saveChunk(effect.snapshot, effect.offset, effect.bytes, (isSaved) =>
          this.#push({ type: 'chunk-saved', id: effect.snapshot.id, isSaved }),
        );
        break;
      case 'install-snapshot':
        storage.installSnapshot(effect.snapshot, (pieces) => this.#install(effect.snapshot, pieces));
        break;
    }
  }

  #install(snapshot: SnapshotInfo, pieces: SnapshotPieces | undefined): void {
    if (pieces === undefined) return this.#push({ type: 'snapshot-installed', id: snapshot.id, isWhole: false });
    try {
      const restored = this.#options.stateMachine.restore(pieces);
      if (restored === undefined) this.#installed(snapshot);
      else restored.then(() => this.#installed(snapshot)).catch((cause: unknown) => this.#fatal(cause));
    } catch (cause) {
      this.#fatal(cause);
    }
    return undefined;
  }

  #installed({ id, index }: SnapshotInfo): void {
    if (this.#isStopped) return;
    this.#options.onRestored?.(index);
    for (const [at, waiting] of this.#accepted) {
      if (at > index) continue;
      this.#accepted.delete(at);
      tell(waiting, () => ({ type: 'unknown' }));
    }
    this.#push({ type: 'snapshot-installed', id, isWhole: true });
  }

  /** The disk took a snapshot and cannot give it back, or the state machine threw. */
  #fatal(cause: unknown): void {
    if (this.#isStopped) return;
    this.stop();
    this.#options.onFatal(cause);
  }

  #apply(entries: readonly Entry[]): void {
    const { stateMachine, onApplied } = this.#options;
    for (const entry of entries) {
      const outcome = stateMachine.apply(entry);
      onApplied?.(entry, outcome);
      const waiting = this.#accepted.get(entry.index);
      if (waiting === undefined) continue;
      this.#accepted.delete(entry.index);
      tell(waiting, (term) =>
        term === entry.term ? outcome : { type: 'not-done', reason: 'overwritten', leader: undefined },
      );
    }
    this.#push({ type: 'applied', index: (entries.at(-1) as Entry).index });
  }

  #accept(ticket: Ticket, index: LogIndex, term: Term): void {
    const done = this.#proposals.get(ticket);
    this.#proposals.delete(ticket);
    if (done === undefined) return;
    this.#accepted.set(index, { term, done, other: this.#accepted.get(index) });
  }

  #refused(ticket: Ticket, reason: Refusal, leader: ServerId | undefined): void {
    const ended = { type: 'not-done', reason, leader } as const;
    this.#proposals.get(ticket)?.(ended);
    this.#proposals.delete(ticket);
    this.#reads.get(ticket)?.done(ended);
    this.#reads.delete(ticket);
    this.#transfers.get(ticket)?.(false);
    this.#transfers.delete(ticket);
  }

  #onReadReady(ticket: Ticket, mustConfirm: boolean): void {
    const read = this.#reads.get(ticket);
    if (read === undefined) return;
    read.query((value) => {
      read.value = value;
      if (mustConfirm) this.#push({ type: 'read-done', ticket });
      else this.#answerRead(ticket);
    });
  }

  #answerRead(ticket: Ticket): void {
    const read = this.#reads.get(ticket);
    this.#reads.delete(ticket);
    read?.done({ type: 'done', value: read.value });
  }
}

function tell(waiting: AcceptedProposal, ended: (term: Term) => Ended): void {
  for (let one: AcceptedProposal | undefined = waiting; one !== undefined; one = one.other) one.done(ended(one.term));
}
