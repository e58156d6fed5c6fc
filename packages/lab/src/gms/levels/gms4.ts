import type { Wake } from '@grp/core';
import type { Verdict } from './gms1.ts';
import { Gms3 } from './gms3.ts';
import type { ColourChange, LevelEffect, LevelInput, Numbered, Wire } from './messages.ts';

const tickMs = 100;
/** What one tick sends again to one member, at most. */
const repeatsMax = 32;
/** Kept for those who have not acknowledged, and for oneself; beyond it the oldest is forgotten. */
const owedMax = 4_096;

/**
 * gms4 (Groupy §4, "what could possibly go wrong"): links may lose. Members acknowledge numbers, and the leader sends
 * again what is not acknowledged; a member asks again until its own message is delivered, and the leader takes the
 * messages of each sender in their order, once. A new leader knows only the last message: what its predecessor still
 * owed to others is forgotten.
 */
export class Gms4 extends Gms3 {
  readonly #owed: Numbered[] = [];
  readonly #acked = new Map<string, number>();
  readonly #own: ColourChange[] = [];
  #contact: string | undefined;
  #tickAt: number | undefined;

  override nextDeadline(): number | undefined {
    return this.#tickAt;
  }

  override step(inputs: readonly (LevelInput | Wake)[], now: number): readonly LevelEffect[] {
    const effects = super.step(inputs, now);
    const isWaiting = this.#own.length > 0 || this.#contact !== undefined || this.#owes();
    this.#tickAt = isWaiting ? (this.#tickAt ?? now + tickMs) : undefined;
    return effects;
  }

  protected override handle(input: LevelInput | Wake, now: number): void {
    if (input.type === 'multicast') this.#own.push(input.message);
    if (this.#own.length > owedMax) this.#own.shift();
    if (input.type === 'join') this.#contact = input.contact;
    super.handle(input, now);
    if (this.#tickAt === undefined || now < this.#tickAt) return;
    this.#tickAt = undefined;
    this.#tick();
  }

  protected override judge(from: string, wire: Wire): Verdict {
    if (wire.type === 'ack') return 'take';
    if (wire.type === 'request' && this.isLeader) {
      const { sender, count } = wire.message;
      const taken = this.worker.bySender.get(sender) ?? 0;
      if (count === taken + 1) return 'take';
      return count <= taken ? 'drop' : 'keep';
    }
    const verdict = super.judge(from, wire);
    // It has this already, and says so: the acknowledgement was lost.
    if (verdict === 'drop' && !this.isLeader && 'number' in wire) this.#acknowledge(from);
    return verdict;
  }

  protected override receive(from: string, wire: Wire, now: number): void {
    if (wire.type === 'ack') {
      this.#acked.set(from, Math.max(wire.upTo, this.#acked.get(from) ?? 0));
      while (this.#owed.length > 0 && !this.#owesSince((this.#owed[0] as Numbered).number)) this.#owed.shift();
      return;
    }
    super.receive(from, wire, now);
    if ('number' in wire) this.#acknowledge(from);
  }

  protected override multicast(wire: Numbered, members?: readonly string[]): void {
    this.#owed.push(wire);
    if (this.#owed.length > owedMax) this.#owed.shift();
    super.multicast(wire, members);
  }

  protected override lead(now: number): void {
    const last = this.last;
    if (last !== undefined) this.#owed.push(last);
    super.lead(now);
    for (const message of [...this.#own]) this.order(message);
  }

  protected override deliver(message: ColourChange, number: number): void {
    super.deliver(message, number);
    if (message.sender === this.self && this.#own[0]?.id === message.id) this.#own.shift();
  }

  protected override install(wire: Numbered & { readonly type: 'view' }): void {
    super.install(wire);
    this.#contact = undefined;
  }

  #acknowledge(to: string): void {
    this.send(to, { type: 'ack', upTo: this.number() - 1 });
  }

  #tick(): void {
    if (this.view === undefined) {
      if (this.#contact !== undefined) this.send(this.#contact, { type: 'join', node: this.self });
      return;
    }
    if (!this.isLeader) {
      for (const message of this.#own.slice(0, repeatsMax))
        this.send(this.ranks[0] as string, { type: 'request', message });
      return;
    }
    for (const to of this.#others) {
      const acked = this.#acked.get(to) ?? 0;
      for (const wire of this.#owed.filter(({ number }) => number > acked).slice(0, repeatsMax)) this.send(to, wire);
    }
  }

  get #others(): readonly string[] {
    return this.ranks.filter((member) => member !== this.self && !this.isDown(member));
  }

  #owes(): boolean {
    return this.isLeader && this.#owed.length > 0 && this.#owesSince((this.#owed[0] as Numbered).number);
  }

  #owesSince(number: number): boolean {
    return this.#others.some((member) => (this.#acked.get(member) ?? 0) < number);
  }
}
