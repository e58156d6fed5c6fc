import { invariant, type Machine, type Wake } from '@grp/core';
import { changed, freshWorker, type ColourChange, type LevelEffect, type LevelInput } from './messages.ts';
import type { LevelView, Numbered, WorkerState, Wire } from './messages.ts';

/** What to do with a message that waits: use it now, forget it, or leave it until something has changed. */
export type Verdict = 'take' | 'drop' | 'keep';

/** Erlang's has no limit; here what comes to a full mailbox is lost. */
const mailboxMax = 4_096;

/**
 * gms1 (KTH ID2201, "Groupy", §3.1): the leader sends each message to the members one after the other, and everybody
 * else sends its messages to the leader. Correct as long as nobody dies and nothing is lost. The state of a worker goes
 * to a joiner with its first view, at the exact cut; in the assignment every worker multicasts it.
 */
export class Gms1 implements Machine<LevelInput, LevelEffect> {
  protected readonly self: string;
  protected view: LevelView | undefined;
  /** The application. */
  protected worker: WorkerState = freshWorker;
  /** Whom it takes for the leader, and who would follow; the first is not always the first of the view. */
  protected ranks: readonly string[] = [];
  // Erlang's mailbox: what no rule matches yet waits here, and rules are tried in the order of arrival.
  readonly #mailbox: { readonly from: string; readonly wire: Wire }[] = [];
  #effects: LevelEffect[] = [];

  /** Without a view it is outside and has to join. */
  constructor(self: string, view: LevelView | undefined) {
    this.self = self;
    this.view = view;
    this.ranks = view?.members ?? [];
  }

  step(inputs: readonly (LevelInput | Wake)[], now: number): readonly LevelEffect[] {
    this.#effects = [];
    for (const input of inputs) {
      this.handle(input, now);
      this.#drain(now);
    }
    return this.#effects;
  }

  nextDeadline(): number | undefined {
    return undefined;
  }

  get isLeader(): boolean {
    return this.view !== undefined && this.ranks[0] === this.self;
  }

  get isMember(): boolean {
    return this.view !== undefined;
  }

  protected handle(input: LevelInput | Wake, _now: number): void {
    if (input.type === 'receive') {
      if (this.#mailbox.length < mailboxMax) this.#mailbox.push(input);
    } else if (input.type === 'multicast') {
      if (this.isLeader) this.order(input.message);
      else this.send(this.ranks[0] as string, { type: 'request', message: input.message });
    } else if (input.type === 'join') this.send(input.contact, { type: 'join', node: this.self });
  }

  protected judge(_from: string, wire: Wire): Verdict {
    if (this.view === undefined) return wire.type === 'view' ? 'take' : 'keep';
    if (wire.type === 'message' || wire.type === 'view') return this.isLeader ? 'drop' : 'take';
    return 'take';
  }

  protected receive(_from: string, wire: Wire, _now: number): void {
    if (wire.type === 'message') this.deliver(wire.message, wire.number);
    else if (wire.type === 'view') this.install(wire);
    else if (!this.isLeader) this.send(this.ranks[0] as string, wire);
    else if (wire.type === 'request') this.order(wire.message);
    else if (wire.type === 'join') this.admit(wire.node);
  }

  /** The leader's work: everybody else first, then itself. */
  protected order(message: ColourChange): void {
    this.put({ type: 'order', message, view: this.current.id });
    const wire = { type: 'message', number: this.number(), message } as const;
    this.multicast(wire);
    this.deliver(message, wire.number);
  }

  protected admit(node: string): void {
    const { id, members } = this.current;
    if (members.includes(node)) return;
    const view = { id: id + 1, members: [...members, node] };
    const wire = { type: 'view', number: this.number(), view, state: this.worker } as const;
    this.multicast(wire, view.members);
    this.install(wire);
  }

  protected number(): number {
    return 0;
  }

  /** To all others in the order of the list. A crash may come after each. */
  protected multicast(wire: Numbered, members: readonly string[] = this.ranks): void {
    for (const to of members) if (to !== this.self) this.put({ type: 'send', to, wire, inMulticast: true });
  }

  protected deliver(message: ColourChange, number: number): void {
    this.worker = changed(this.worker, message);
    this.put({ type: 'deliver', message, view: this.current.id, number, worker: this.worker });
  }

  protected install({ view, number, state }: Numbered & { readonly type: 'view' }): void {
    const isJoining = this.view === undefined;
    if (isJoining) this.worker = state;
    this.view = view;
    this.ranks = view.members;
    this.put({ type: 'install', view, number, ...(isJoining && { state }) });
  }

  protected send(to: string, wire: Wire): void {
    this.put({ type: 'send', to, wire, inMulticast: false });
  }

  protected put(effect: LevelEffect): void {
    this.#effects.push(effect);
  }

  protected get current(): LevelView {
    invariant(this.view !== undefined, 'only members deliver and order');
    return this.view;
  }

  #drain(now: number): void {
    for (let index = 0; index < this.#mailbox.length;) {
      const { from, wire } = this.#mailbox[index] as { readonly from: string; readonly wire: Wire };
      const verdict = this.judge(from, wire);
      if (verdict === 'keep') {
        index++;
        continue;
      }
      this.#mailbox.splice(index, 1);
      if (verdict === 'drop') continue;
      this.receive(from, wire, now);
      index = 0;
    }
  }
}
