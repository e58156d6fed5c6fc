import type { Millis } from '@grp/core';
import type { Gap } from './api.ts';
import type { Epoch } from './epoch.ts';
import { compareKeys, greaterKey, noKey } from './keys.ts';
import type { DataMessage, FinalMessage, Key } from './messages.ts';
import type { Outlet } from './outlet.ts';
import { roundBytes, type HeldRound, type SenderLog } from './sender-log.ts';

/** What is owed to one sender, and what it owes. */
interface Debt {
  /** Rounds taken in since it last heard marks; Infinity: tell it at once. */
  untold: number;
  /** Proposals of this step, for consecutive rounds. */
  proposed: { readonly round: number; readonly counters: number[] } | undefined;
  /** Agreed numbers that came before those of earlier rounds. */
  readonly early: Map<number, Key>;
  /** The last agreed number of its row, which only rises. */
  lastKey: Key;
  gapSince: Millis | undefined;
  askedCount: number;
  isReported: boolean;
}

/** The receiving side of one view: checks what comes, closes gaps, proposes and acknowledges. */
export class Receiving {
  readonly #outlet: Outlet;
  readonly #epoch: Epoch;
  /** By rank. */
  readonly #debts: readonly Debt[];
  #floorAttempts = 0;

  constructor(outlet: Outlet, epoch: Epoch) {
    this.#outlet = outlet;
    this.#epoch = epoch;
    this.#debts = epoch.logs.map(() => ({
      untold: 0,
      proposed: undefined,
      early: new Map<number, Key>(),
      lastKey: noKey,
      gapSince: undefined,
      askedCount: 0,
      isReported: false,
    }));
  }

  get openGaps(): number {
    return this.#debts.filter(({ gapSince }) => gapSince !== undefined).length;
  }

  onData(sender: number, data: DataMessage): void {
    const log = this.#epoch.logs[sender] as SenderLog;
    log.raiseFloor(data.stable);
    const held = this.#checked(sender, data);
    if (held === undefined) return;
    if (!log.insert(held)) {
      this.#repeat(sender, log, held.round);
      return;
    }
    this.#outlet.counters.roundsReceived++;
    for (let next = log.advance(); next !== undefined; next = log.advance()) {
      if (next === 'misnumbered') this.#outlet.refuse('sequence');
      else this.#accept(sender, next);
    }
    this.#watchGap(sender, log);
  }

  onFinal(sender: number, { round, keys, stable }: FinalMessage): void {
    const log = this.#epoch.logs[sender] as SenderLog;
    const debt = this.#debts[sender] as Debt;
    const { total, view } = this.#epoch;
    if (total === undefined) {
      this.#outlet.refuse('final-without-total');
      return;
    }
    for (const [index, key] of keys.entries()) {
      const at = round + index;
      if (at <= log.decided) debt.untold = Infinity; // it did not hear that this is known
      else if (key.proposer >= view.members.length) this.#outlet.refuse('final-proposer');
      else if (key.counter > total.clock + this.#outlet.config.clockLeapMax) this.#outlet.refuse('final-leaps');
      else if (at > log.floor + this.#outlet.config.holdBackRoundsMax) this.#outlet.refuse('beyond-window');
      else if (!debt.early.has(at)) debt.early.set(at, key);
    }
    this.#decide(sender, log);
    log.raiseFloor(stable);
    if (debt.untold === Infinity) this.#outlet.timers.set('ack', this.#outlet.now);
  }

  onStable(sender: number, stable: number): void {
    (this.#epoch.logs[sender] as SenderLog).raiseFloor(stable);
  }

  /** A round of this sender has been delivered: it will hear so. */
  delivered(sender: number): void {
    const debt = this.#debts[sender] as Debt;
    if (sender === this.#epoch.rank) return;
    debt.untold++;
    const { config, now } = this.#outlet;
    if (debt.untold >= config.ackRounds) this.#outlet.timers.set('ack', now);
    else this.#outlet.arm('ack', now + config.ackDelayMs);
    this.#outlet.arm('floor', now + config.resendMs);
  }

  /** The link to this sender has lost something, perhaps what was proposed or told: it hears all of that again. */
  tellAgain(sender: number): void {
    const log = this.#epoch.logs[sender] as SenderLog;
    const debt = this.#debts[sender] as Debt;
    for (let round = log.decided + 1; round <= log.proposed; round++)
      this.#offer(sender, debt, log.get(round) as HeldRound);
    if (log.have === 0 || this.#epoch.rank === sender) return;
    debt.untold = Infinity;
    this.#outlet.timers.set('ack', this.#outlet.now);
  }

  /** At the end of a step: proposals go out, each sender's together, and with them the marks. */
  flushProposals(): void {
    for (const [sender, debt] of this.#debts.entries()) this.#propose(sender, debt);
  }

  /** The `ack` timer. */
  acknowledge(): void {
    for (const [sender, debt] of this.#debts.entries()) if (debt.untold > 0) this.#tell(sender, 0);
  }

  /** The `floor` timer: whoever never said that its rounds are stable is reminded of what was delivered. */
  remind(): void {
    const { config, now } = this.#outlet;
    let isAnyKept = false;
    for (const [sender, log] of this.#epoch.logs.entries()) {
      if (sender === this.#epoch.rank || log.floor === log.delivered) continue;
      isAnyKept = true;
      this.#tell(sender, 0);
    }
    this.#floorAttempts = isAnyKept ? Math.min(this.#floorAttempts + 1, 4) : 0;
    if (isAnyKept) this.#outlet.timers.set('floor', now + config.resendMs * 2 ** this.#floorAttempts);
  }

  /** The `gap` timer: asks for what is missing, less and less often. */
  askForGaps(): void {
    const { config, now } = this.#outlet;
    let next = Infinity;
    for (const [sender, debt] of this.#debts.entries()) {
      if (debt.gapSince === undefined) continue;
      const log = this.#epoch.logs[sender] as SenderLog;
      const dueAt = (): Millis => (debt.gapSince ?? now) + config.gapMs * 2 ** debt.askedCount;
      if (dueAt() <= now) {
        debt.askedCount = Math.min(debt.askedCount + 1, 16);
        this.#tell(sender, log.firstAhead() - 1);
      }
      if (now - debt.gapSince >= config.gapReportMs && !debt.isReported) {
        debt.isReported = true;
        this.#outlet.gap(this.#gapOf(sender, 'open'));
      }
      const reportAt = debt.isReported ? Infinity : debt.gapSince + config.gapReportMs;
      next = Math.min(next, Math.max(now + 1, Math.min(dueAt(), reportAt)));
    }
    if (next < Infinity) this.#outlet.timers.set('gap', next);
  }

  /** Undecided or out of order, and so without a receiver's word on it: nobody can fill it any longer. */
  dropAhead(): void {
    for (const [sender, log] of this.#epoch.logs.entries()) {
      if (log.ahead === 0) continue;
      this.#outlet.counters.gapsUnfilled++;
      this.#outlet.gap(this.#gapOf(sender, 'unfilled'));
    }
  }

  #accept(sender: number, round: HeldRound): void {
    const { rule, total, isPair } = this.#epoch;
    const debt = this.#debts[sender] as Debt;
    rule.accept(round);
    if (total === undefined) return;
    this.#offer(sender, debt, round);
    const { counter, key } = round;
    if (isPair) debt.early.set(round.round, greaterKey({ counter, proposer: sender }, key));
    this.#decide(sender, this.#epoch.logs[sender] as SenderLog);
  }

  #offer(sender: number, debt: Debt, { round, proposal }: HeldRound): void {
    const last = debt.proposed;
    if (last !== undefined && last.round + last.counters.length !== round) this.#propose(sender, debt);
    if (debt.proposed === undefined) debt.proposed = { round, counters: [proposal] };
    else debt.proposed.counters.push(proposal);
  }

  #propose(sender: number, debt: Debt): void {
    const { proposed } = debt;
    if (proposed === undefined) return;
    debt.proposed = undefined;
    debt.untold = 0;
    const { view, logs } = this.#epoch;
    const { marks } = logs[sender] as SenderLog;
    this.#outlet.transmit([this.#epoch.addressOf(sender)], {
      type: 'propose',
      view: view.number,
      ...marks,
      ...proposed,
    });
  }

  // A duplicate means that the sender does not know that it is here: the same proposal again, or marks.
  #repeat(sender: number, log: SenderLog, round: number): void {
    const debt = this.#debts[sender] as Debt;
    const held = log.get(round);
    const { total, isPair } = this.#epoch;
    const isWanted = isPair || round > log.decided;
    if (total !== undefined && held !== undefined && isWanted && round <= log.proposed) {
      this.#offer(sender, debt, held);
      return;
    }
    debt.untold = Infinity;
    this.#outlet.timers.set('ack', this.#outlet.now);
  }

  #decide(sender: number, log: SenderLog): void {
    const debt = this.#debts[sender] as Debt;
    const { total } = this.#epoch;
    while (log.decided < log.proposed) {
      const round = log.decided + 1;
      const key = debt.early.get(round);
      if (key === undefined) return;
      debt.early.delete(round);
      // No sender may agree on less than this member has proposed, nor let its own row fall.
      const isTooLow = compareKeys(key, log.get(round)?.key ?? noKey) < 0 || compareKeys(key, debt.lastKey) <= 0;
      if (isTooLow) {
        this.#outlet.refuse('final-too-low');
        return;
      }
      debt.lastKey = key;
      total?.decide(sender, key);
    }
  }

  #checked(sender: number, data: DataMessage): HeldRound | undefined {
    const { config } = this.#outlet;
    const { total, logs, view } = this.#epoch;
    const log = logs[sender] as SenderLog;
    const { round, firstSequence, counter, vector, payloads } = data;
    const bytes = roundBytes(payloads);
    const reason = ((): string | undefined => {
      if (payloads.some(({ length }) => length > config.payloadBytesMax)) return 'payload-too-large';
      if (vector.length !== (this.#outlet.order === 'causal' ? view.members.length : 0)) return 'vector';
      if ((total === undefined) !== (counter === 0)) return 'order';
      if (total !== undefined && counter > total.clock + config.clockLeapMax) return 'data-leaps';
      if (round > log.floor + config.holdBackRoundsMax) return 'beyond-window';
      if (round > log.have && log.bytes + bytes > config.holdBackBytesMax) return 'hold-back-full';
      return undefined;
    })();
    if (reason === undefined)
      return { round, firstSequence, counter, vector, payloads, sender, bytes, key: noKey, proposal: 0 };
    this.#outlet.refuse(reason);
    return undefined;
  }

  #watchGap(sender: number, log: SenderLog): void {
    const debt = this.#debts[sender] as Debt;
    const { config, now, counters } = this.#outlet;
    if (log.ahead > 0) {
      debt.gapSince ??= now;
      this.#outlet.arm('gap', debt.gapSince + config.gapMs);
      return;
    }
    if (debt.gapSince === undefined) return;
    if (debt.askedCount > 0) counters.gapsFilled++;
    if (debt.isReported) this.#outlet.gap({ ...this.#gapOf(sender, 'filled'), to: log.have });
    debt.gapSince = undefined;
    debt.askedCount = 0;
    debt.isReported = false;
  }

  #gapOf(sender: number, state: Gap['state']): Gap {
    const { view, logs } = this.#epoch;
    const log = logs[sender] as SenderLog;
    const to = log.ahead > 0 ? log.firstAhead() - 1 : log.have;
    const { id } = view.members[sender] as (typeof view.members)[number];
    return { view: view.number, sender: id, state, from: Math.min(log.have + 1, to), to };
  }

  #tell(sender: number, ask: number): void {
    const debt = this.#debts[sender] as Debt;
    const { view, logs } = this.#epoch;
    debt.untold = 0;
    const { marks } = logs[sender] as SenderLog;
    this.#outlet.transmit([this.#epoch.addressOf(sender)], { type: 'ack', view: view.number, ...marks, ask });
  }
}
