import type { Wake } from '@grp/core';
import { Gms1, type Verdict } from './gms1.ts';
import type { LevelInput, Wire } from './messages.ts';

/**
 * gms2 (Groupy §3.2) adds an election: when the leader is down, the next in the list leads and multicasts a view without
 * it. What the dead leader had sent to some and not to others stays as it is: states may differ from then on.
 */
export class Gms2 extends Gms1 {
  readonly #down = new Set<string>();

  protected override handle(input: LevelInput | Wake, now: number): void {
    if (input.type !== 'down') {
      super.handle(input, now);
      return;
    }
    this.#down.add(input.member);
    this.#replaceLeader(now);
  }

  // A view counts only from the leader one follows; one from the next leader waits until the old one is known dead.
  protected override judge(from: string, wire: Wire): Verdict {
    const verdict = super.judge(from, wire);
    if (verdict !== 'take' || wire.type !== 'view' || this.view === undefined) return verdict;
    return wire.view.members[0] === this.ranks[0] ? 'take' : 'keep';
  }

  protected override receive(from: string, wire: Wire, now: number): void {
    super.receive(from, wire, now);
    if (wire.type === 'view') this.#replaceLeader(now); // whoever leads it may be known as dead already
  }

  protected isDown(member: string): boolean {
    return this.#down.has(member);
  }

  /** Its first act as the leader. */
  protected lead(_now: number): void {
    const view = { id: this.current.id + 1, members: this.ranks };
    const wire = { type: 'view', number: this.number(), view, state: this.worker } as const;
    this.multicast(wire);
    this.install(wire);
  }

  #replaceLeader(now: number): void {
    if (this.view === undefined || this.isLeader) return;
    const before = this.ranks[0];
    while (this.ranks.length > 0 && this.isDown(this.ranks[0] as string)) this.ranks = this.ranks.slice(1);
    if (this.ranks[0] !== before && this.isLeader) this.lead(now);
  }
}
