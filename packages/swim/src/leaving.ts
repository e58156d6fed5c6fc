import { encodeMessage } from '@grp/memberlist-wire';
import type { Runtime } from './runtime.ts';

/** What a member does only while it is not leaving. */
const ended = ['round', 'push-pull', 'heal', 'guard'];

/** Goodbye: said to everyone at once, a few times because nobody acknowledges it, and carried on by gossip. */
export class Leaving {
  readonly #runtime: Runtime;
  #rounds = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * `announce` says whatever else is to go out before the leave itself. Serf agents need a moment for it: they handle what
   * comes together in any order, and take a member whose end they see before its intent for a failed one.
   */
  start(announce: () => void): void {
    const runtime = this.#runtime;
    const { list, self, now, deadlines, config } = runtime;
    runtime.leaving = true;
    announce();
    list.setStatus(self, 'left', self.incarnation, now);
    if (list.hasStrangers) this.#rounds = -1;
    else this.#say();
    for (const key of ended) deadlines.delete(key);
    if (list.live().length === 0) runtime.effect({ type: 'left' });
    else deadlines.set('leave', now + config.gossipIntervalMs);
  }

  round(): void {
    const runtime = this.#runtime;
    const { config, deadlines, now, gossip } = runtime;
    this.#rounds++;
    const said = this.#rounds >= config.leaveRounds;
    if (said && (gossip.size === 0 || this.#rounds >= 4 * config.leaveRounds)) {
      runtime.effect({ type: 'left' });
      return;
    }
    if (!said) this.#say();
    deadlines.set('leave', now + config.gossipIntervalMs);
  }

  #say(): void {
    const { name, incarnation } = this.#runtime.self;
    const part = encodeMessage({ type: 'dead', node: name, incarnation, from: name });
    this.#runtime.spread(name, part, { urgent: true });
  }
}
