import type { Address } from '@grp/core';
import type { StreamMessage } from '@grp/memberlist-wire';
import type { Claims } from './claims.ts';
import { readMeta, type MemberFacts } from './members.ts';
import type { Runtime } from './runtime.ts';

/** One other life of this node's name, alive in somebody's list at another address. */
interface Rival {
  readonly address: Address;
  readonly incarnation: number;
  state: 'asked' | 'silent';
  ticket: number;
}

const askTimeoutMs = 1_000;
const retryMs = 1_000;

/**
 * Keeps one name to one living node. Of two, the one that started later yields; whether the older still lives is not
 * guessed but asked. Until the others have noticed that a silent rival is gone, this node keeps announcing itself.
 */
export class NameGuard {
  readonly #runtime: Runtime;
  readonly #claims: Claims;
  readonly #announce: () => void;
  #rival: Rival | undefined;

  constructor(runtime: Runtime, claims: Claims, announce: () => void) {
    this.#runtime = runtime;
    this.#claims = claims;
    this.#announce = announce;
  }

  /** A rival has been seen and not yet settled: a join is not complete before. */
  get undecided(): boolean {
    return this.#rival?.state === 'asked';
  }

  /** Somebody's list has a life with this node's name. */
  selfSeen(facts: MemberFacts): void {
    const { self, leaving } = this.#runtime;
    if (leaving) return;
    const { startedAt } = readMeta(facts.meta);
    if (startedAt === self.startedAt && facts.address === self.address) {
      this.#rival = undefined; // the others know this life
      this.#runtime.deadlines.delete('guard');
      if (facts.incarnation > self.incarnation) this.#claims.refute(facts.incarnation);
    } else if (facts.address === self.address) {
      // An earlier life of this very node: what it said is superseded.
      if (facts.incarnation >= self.incarnation) this.#claims.refute(facts.incarnation);
    } else if (this.#isOlder(startedAt, facts.address)) {
      this.#ask(facts);
    } else if (facts.incarnation >= self.incarnation) {
      this.#claims.refute(facts.incarnation);
    }
  }

  /** The end of an exchange that this guard began. False: not one of its own. */
  onReply(ticket: number, outcome: StreamMessage | string): boolean {
    const rival = this.#rival;
    if (rival === undefined || rival.ticket !== ticket) return false;
    if (typeof outcome === 'object' && outcome.type === 'ack') {
      this.#runtime.effect({ type: 'conflict', address: rival.address });
      return true;
    }
    rival.state = 'silent';
    if (rival.incarnation >= this.#runtime.self.incarnation) this.#claims.refute(rival.incarnation);
    this.#runtime.deadlines.set('guard', this.#runtime.now + retryMs);
    return true;
  }

  /** Announces this life again until the others have taken it for theirs. */
  retry(): void {
    if (this.#rival === undefined || this.#runtime.leaving) return;
    this.#announce();
    this.#runtime.deadlines.set('guard', this.#runtime.now + retryMs);
  }

  #isOlder(startedAt: number | undefined, address: Address): boolean {
    const { self } = this.#runtime;
    const own = self.startedAt ?? 0;
    const theirs = startedAt ?? 0;
    return theirs < own || (theirs === own && address < self.address);
  }

  #ask({ address, incarnation }: MemberFacts): void {
    if (this.#rival !== undefined) return;
    const { self } = this.#runtime;
    const ticket = this.#runtime.nextTicket();
    this.#rival = { address, incarnation, state: 'asked', ticket };
    const message: StreamMessage = { type: 'ping', sequence: ticket, node: self.name, source: undefined };
    this.#runtime.effect({ type: 'exchange', ticket, to: address, message, timeoutMs: askTimeoutMs });
  }
}
