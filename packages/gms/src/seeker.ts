import type { Address } from '@grp/core';
import type { JoinRefusal } from './messages.ts';
import type { Runtime } from './runtime.ts';

const hurryMs = 20;

/** Looks for the group: asks one seed after the other, for as long as it takes. Asking twice is asking once. */
export class Seeker {
  readonly #runtime: Runtime;
  #seeds: readonly Address[] = [];
  /** Members of the view that this one fell out of. */
  #former: readonly Address[] = [];
  #turn = 0;
  #notMembers = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  begin(seeds: readonly Address[]): void {
    this.#seeds = seeds.filter((seed) => seed !== this.#runtime.self.address);
    this.#former = [];
    this.#start();
  }

  /** After an exclusion: the former fellows first, then the seeds. */
  again(former: readonly Address[], first?: Address): void {
    this.#former = first === undefined ? former : [first, ...former.filter((address) => address !== first)];
    this.#start();
  }

  ask(): void {
    const { self, deadlines, now, config } = this.#runtime;
    const all = [...new Set([...this.#former, ...this.#seeds])].filter((address) => address !== self.address);
    const to = all[this.#turn++ % Math.max(1, all.length)];
    deadlines.set('join', now + config.joinRetryMs);
    if (to === undefined) return;
    this.answer(to);
  }

  /** Tells this member that we want to come in. */
  answer(to: Address): void {
    const { self, options, own } = this.#runtime;
    const { group, delivery } = options;
    const nextRequest = own.firstKept;
    this.#runtime.send(to, { kind: 'join', member: self, nextRequest, group, delivery, isForwarded: false });
  }

  /** What a seed answered; a reason when there is no use in asking on. */
  onRefused(reason: JoinRefusal): JoinRefusal | undefined {
    if (reason !== 'not-a-member') return reason;
    // It may be about to join itself: the next one, at once, but not in circles.
    const { deadlines, now } = this.#runtime;
    const all = new Set([...this.#former, ...this.#seeds]).size;
    if (++this.#notMembers % Math.max(1, all) !== 0) deadlines.set('join', now + hurryMs);
    return undefined;
  }

  #start(): void {
    this.#turn = 0;
    this.#notMembers = 0;
    this.#runtime.phase = 'joining';
    this.ask();
  }
}
