import { Gms2 } from './gms2.ts';
import type { Verdict } from './gms1.ts';
import type { Numbered, Wire } from './messages.ts';

/**
 * gms3 (Groupy §3.3) numbers what the leader multicasts, views included, and everybody keeps the last of it. A new
 * leader first sends the last message again, then its view; who has it already knows by its number. Right as long as
 * links are reliable and FIFO, the detector never errs, and the last message is no view of a dead leader.
 */
export class Gms3 extends Gms2 {
  protected last: Numbered | undefined;
  #next = 1;

  protected override judge(from: string, wire: Wire): Verdict {
    const verdict = super.judge(from, wire);
    if (verdict === 'drop' || this.view === undefined || (wire.type !== 'message' && wire.type !== 'view'))
      return verdict;
    if (wire.number < this.#next) return 'drop';
    return wire.number === this.#next ? verdict : 'keep';
  }

  protected override receive(from: string, wire: Wire, now: number): void {
    if (wire.type === 'message' || wire.type === 'view') this.note(wire);
    super.receive(from, wire, now);
  }

  protected override multicast(wire: Numbered, members?: readonly string[]): void {
    this.note(wire);
    super.multicast(wire, members);
  }

  protected override lead(now: number): void {
    if (this.last !== undefined) super.multicast(this.last);
    super.lead(now);
  }

  protected override number(): number {
    return this.#next;
  }

  /** It has come this far. */
  protected note(wire: Numbered): void {
    this.#next = wire.number + 1;
    this.last = wire;
  }
}
