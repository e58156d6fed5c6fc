import type { Address, NodeId } from '@grp/core';
import type { OrderingView } from './api.ts';
import type { Epoch } from './epoch.ts';
import { FlushCoordinator } from './flush-coordinator.ts';
import { noKey } from './keys.ts';
import type {
  FetchMessage,
  FlushMessage,
  PrepareMessage,
  RefillMessage,
  RoundBody,
  SenderCut,
  StateMessage,
} from './messages.ts';
import type { Outlet } from './outlet.ts';
import { roundBytes, type HeldRound, type SenderLog } from './sender-log.ts';

/** The end of a view, held in full: what it still delivers, and which view follows. */
export interface StoredCut {
  readonly view: OrderingView;
  readonly prepare: PrepareMessage;
  /** In order; empty for one who starts afresh. */
  readonly plan: readonly HeldRound[];
  /** Messages that the group has delivered after it; 0 for one who starts afresh. */
  readonly position: number;
  readonly isFresh: boolean;
}

/** What the flush asks of the machine around it. */
export interface FlushHost {
  readonly epoch: Epoch | undefined;
  /** Messages that the group has delivered, as counted here. */
  readonly position: number;
  /** Ends the last view as the cut says, and begins the next one. */
  install(cut: StoredCut, position: number): void;
}

/** Bytes of one refill; the next one is asked for when it has come. */
const refillBytes = 262_144;

/**
 * One member's part in view changes. Three steps, led by the first member of the view to come: states are gathered, a
 * cut is handed out and completed from those who have what others lack, and only when all hold all of it, the view is
 * installed. So whoever installs a view knows that everybody can, and a later flush finds that out from any survivor.
 */
export class Flush {
  readonly #outlet: Outlet;
  readonly #host: FlushHost;
  #target: OrderingView | undefined;
  #ranks: ReadonlyMap<Address, number> = new Map();
  #rank = -1;
  #coordinator: FlushCoordinator | undefined;
  #prepare: PrepareMessage | undefined;
  #stored: StoredCut | undefined;
  #startedAt = 0;

  constructor(outlet: Outlet, host: FlushHost) {
    this.#outlet = outlet;
    this.#host = host;
  }

  /** The view to come. */
  get target(): OrderingView | undefined {
    return this.#target;
  }

  get stored(): StoredCut | undefined {
    return this.#stored;
  }

  waitingFor(): readonly NodeId[] {
    if (this.#target === undefined) return [];
    return this.#coordinator?.waitingFor() ?? this.#target.members.slice(0, 1).map(({ id }) => id);
  }

  /** Stops the last view and settles it with the members of this one, of whom this is one. */
  begin(view: OrderingView): void {
    if (this.#target === undefined) this.#startedAt = this.#outlet.now;
    this.#target = view;
    this.#ranks = new Map(view.members.map(({ address }, rank) => [address, rank]));
    this.#rank = view.members.findIndex(({ id }) => id === this.#outlet.self.id);
    this.#prepare = undefined;
    this.#coordinator = this.#rank === 0 ? new FlushCoordinator(this.#outlet, view) : undefined;
    this.#outlet.flush(view.number);
    this.#outlet.timers.set('flush', this.#outlet.now + this.#outlet.config.flushRetryMs);
    this.#coordinator?.retry();
    this.#sendState();
  }

  /** This member is not in the view: all is forgotten. */
  abandon(): void {
    this.#target = undefined;
    this.#stored = undefined;
    this.#prepare = undefined;
    this.#coordinator = undefined;
    this.#outlet.timers.delete('flush');
  }

  /** May this one speak as a member of the view to come? */
  isMember(from: Address): boolean {
    return this.#ranks.has(from);
  }

  receive(from: Address, message: FlushMessage): void {
    const target = this.#target;
    if (message.type === 'ready' && this.#answerLate(from, message.view)) return;
    if (target === undefined || message.view !== target.number) {
      this.#outlet.refuse('other-view');
      return;
    }
    const rank = this.#ranks.get(from);
    if (rank === undefined) this.#outlet.refuse('stranger');
    else if (message.type === 'fetch') this.#onFetch(from, message);
    else if (message.type === 'refill') this.#onRefill(rank, message);
    else if (message.type === 'state' || message.type === 'ready') this.#onAnswer(rank, message);
    else if (rank !== 0) this.#outlet.refuse('not-coordinator');
    else if (message.type === 'request') this.#sendState();
    else if (message.type === 'prepare') this.#onPrepare(message);
    else this.#onInstall(message.position);
  }

  /** The `flush` timer: whatever was lost goes out again. */
  retry(): void {
    if (this.#target === undefined) return;
    this.#outlet.timers.set('flush', this.#outlet.now + this.#outlet.config.flushRetryMs);
    this.#coordinator?.retry();
    if (this.#stored?.view.number === this.#target.number) this.#sendReady(this.#stored);
    else if (this.#prepare !== undefined) this.#fetch(this.#prepare);
  }

  #onAnswer(rank: number, message: StateMessage | (FlushMessage & { readonly type: 'ready' })): void {
    const coordinator = this.#coordinator;
    if (coordinator === undefined) {
      this.#outlet.refuse('not-coordinator');
      return;
    }
    if (message.type === 'state') {
      const prepare = this.#isWellFormed(message) ? coordinator.onState(rank, message) : undefined;
      if (prepare !== undefined) this.#onPrepare(prepare);
    } else if (coordinator.onReady(rank, message.position)) this.#onInstall(coordinator.position ?? 0);
  }

  // In total order every proposed round has a key.
  #isWellFormed({ senders }: StateMessage): boolean {
    const isTotal = this.#outlet.order === 'total';
    const isGood = senders.every(({ keys, proposed, floor }) => keys.length === (isTotal ? proposed - floor : 0));
    if (!isGood) this.#outlet.refuse('state');
    return isGood;
  }

  // Somebody did not hear that the view was installed, long ago perhaps.
  #answerLate(from: Address, number: number): boolean {
    const { epoch } = this.#host;
    if (epoch?.view.number !== number || epoch.rank !== 0 || epoch.rankOf(from) === undefined) return false;
    this.#outlet.transmit([from], { type: 'install', view: number, position: epoch.position });
    return true;
  }

  #sendState(): void {
    const target = this.#target as OrderingView;
    const { epoch } = this.#host;
    const isTotal = this.#outlet.order === 'total';
    const state: StateMessage = {
      type: 'state',
      view: target.number,
      base: epoch?.view.number ?? 0,
      stored: this.#stored?.view.number ?? 0,
      position: epoch?.position ?? 0,
      storedPosition: this.#stored?.position ?? 0,
      clock: epoch?.total?.clock ?? 0,
      senders: epoch?.logs.map((log) => log.state(isTotal)) ?? [],
    };
    if (this.#coordinator === undefined) this.#toCoordinator(state);
    else this.#onAnswer(0, state);
  }

  #toCoordinator(message: FlushMessage): void {
    const [first] = (this.#target as OrderingView).members;
    if (first !== undefined) this.#outlet.transmit([first.address], message);
  }

  #onPrepare(message: PrepareMessage): void {
    const target = this.#target as OrderingView;
    if (this.#stored?.view.number === target.number) {
      this.#sendReady(this.#stored);
      return;
    }
    if (this.#prepare !== undefined) return;
    if (this.#stored !== undefined && message.base === this.#stored.view.number) {
      const stored = this.#stored;
      this.#stored = undefined;
      this.#host.install(stored, stored.isFresh ? message.position : stored.position);
    }
    if (!this.#fits(message)) {
      this.#outlet.refuse('cut');
      return;
    }
    this.#prepare = message;
    this.#fetch(message);
  }

  // A cut never takes back what was delivered.
  #fits({ base, senders }: PrepareMessage): boolean {
    const { epoch } = this.#host;
    if (base === 0 || epoch?.view.number !== base) return true;
    if (senders.length > epoch.logs.length) return false;
    const { holdBackRoundsMax } = this.#outlet.config;
    const memberCount = (this.#target as OrderingView).members.length;
    return epoch.logs.every((log, sender) => {
      const cut = senders[sender] ?? noCut;
      if (cut.count === log.have) return log.delivered <= cut.count;
      return cut.count >= log.delivered && cut.count <= log.floor + holdBackRoundsMax && cut.donor < memberCount;
    });
  }

  #fetch(prepare: PrepareMessage): void {
    const { epoch } = this.#host;
    const target = this.#target as OrderingView;
    const isFresh = epoch === undefined || epoch.view.number !== prepare.base;
    let isComplete = true;
    for (const [sender, log] of isFresh ? [] : epoch.logs.entries()) {
      const { count, donor } = prepare.senders[sender] ?? noCut;
      if (log.have >= count) continue;
      isComplete = false;
      const to = target.members[donor];
      const ask = { view: target.number, base: prepare.base, sender, from: log.have + 1, to: count };
      if (to !== undefined) this.#outlet.transmit([to.address], { type: 'fetch', ...ask });
    }
    if (isComplete) this.#store(prepare, isFresh ? undefined : epoch);
  }

  #store(prepare: PrepareMessage, epoch: Epoch | undefined): void {
    const view = this.#target as OrderingView;
    const plan = epoch?.rule.plan(prepare.senders) ?? [];
    const isFresh = epoch === undefined;
    const position = isFresh ? 0 : plan.reduce((sum, { payloads }) => sum + payloads.length, this.#host.position);
    this.#stored = { view, prepare, plan, position, isFresh };
    this.#sendReady(this.#stored);
  }

  #sendReady({ position }: StoredCut): void {
    const { number } = this.#target as OrderingView;
    if (this.#coordinator === undefined) this.#toCoordinator({ type: 'ready', view: number, position });
    else this.#onAnswer(0, { type: 'ready', view: number, position });
  }

  #onFetch(from: Address, { view, base, sender, from: first, to }: FetchMessage): void {
    const log = this.#host.epoch?.view.number === base ? this.#host.epoch.logs[sender] : undefined;
    if (log === undefined) {
      this.#outlet.refuse('fetch'); // it asks again, and perhaps this member has caught up then
      return;
    }
    const rounds: RoundBody[] = [];
    let bytes = 0;
    for (let round = Math.max(first, log.floor + 1); round <= Math.min(to, log.have) && bytes < refillBytes; round++) {
      const { round: number, firstSequence, counter, vector, payloads, bytes: size } = log.get(round) as HeldRound;
      rounds.push({ round: number, firstSequence, counter, vector, payloads });
      bytes += size;
    }
    this.#outlet.transmit([from], { type: 'refill', view, base, sender, rounds });
  }

  #onRefill(rank: number, { base, sender, rounds }: RefillMessage): void {
    const { epoch } = this.#host;
    const prepare = this.#prepare;
    const log = epoch?.view.number === base && prepare?.base === base ? epoch.logs[sender] : undefined;
    const cut = prepare?.senders[sender];
    if (prepare === undefined || log === undefined || cut?.donor !== rank) {
      this.#outlet.refuse('refill');
      return;
    }
    const before = log.have;
    for (const round of rounds) if (round.round <= cut.count) this.#refill(log, sender, round);
    if (log.have > before && this.#stored?.view.number !== this.#target?.number) this.#fetchMore(prepare, sender, log);
  }

  #refill(log: SenderLog, sender: number, round: RoundBody): void {
    const causal = this.#outlet.order === 'causal';
    if (round.vector.length !== (causal ? (this.#host.epoch?.logs.length ?? 0) : 0)) {
      this.#outlet.refuse('vector');
      return;
    }
    log.insert({ ...round, sender, bytes: roundBytes(round.payloads), key: noKey, proposal: 0 });
    while (log.have < round.round) {
      const next = log.advance();
      if (next === 'misnumbered') this.#outlet.refuse('sequence');
      if (next === undefined || next === 'misnumbered') return;
    }
  }

  // The next part of this sender's row, or nothing: then perhaps all is here.
  #fetchMore(prepare: PrepareMessage, sender: number, log: SenderLog): void {
    const { count, donor } = prepare.senders[sender] ?? noCut;
    const target = this.#target as OrderingView;
    const to = target.members[donor];
    if (log.have < count && to !== undefined) {
      const ask = { view: target.number, base: prepare.base, sender, from: log.have + 1, to: count };
      this.#outlet.transmit([to.address], { type: 'fetch', ...ask });
      return;
    }
    const { epoch } = this.#host;
    const isComplete = epoch?.logs.every((other, rank) => other.have >= (prepare.senders[rank]?.count ?? 0)) === true;
    if (isComplete) this.#store(prepare, epoch);
  }

  #onInstall(position: number): void {
    const stored = this.#stored;
    if (stored === undefined || stored.view.number !== this.#target?.number) {
      this.#outlet.refuse('install-early');
      return;
    }
    this.abandon();
    const { counters, now } = this.#outlet;
    counters.flushes++;
    counters.lastFlushMs = now - this.#startedAt;
    this.#host.install(stored, stored.isFresh ? position : stored.position);
  }
}

const noCut: SenderCut = { count: 0, donor: 0, firstKey: 1, keys: [] };
