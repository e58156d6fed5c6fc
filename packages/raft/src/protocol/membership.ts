import type { MembershipStep, Refusal, Ticket } from '../effects.ts';
import type { Configuration, LogIndex, ServerId } from '../types.ts';
import type { Leader } from './leader.ts';
import type { State } from './state.ts';

/**
 * Changes of the configuration (§6; Ongaro 2014, §4). One voter more or less is a single-server change: any majority of the
 * old voters overlaps any of the new. Anything else is joint: both sides must agree, until the leader ends it by itself.
 */
export class Membership {
  readonly #state: State;
  readonly #leader: Leader;

  constructor(state: State, leader: Leader) {
    this.#state = state;
    this.#leader = leader;
  }

  change(ticket: Ticket, steps: readonly MembershipStep[]): void {
    const state = this.#state;
    const { configuration, configurations, commit, commitTerm, term } = state;
    const configurationIndex = configurations.newest.index;
    const isJoint = configuration.outgoing.length > 0;
    if (isJoint || !state.rules.mayChange({ commit, commitTerm, term, configurationIndex }))
      return state.refuse(ticket, 'change-pending');
    const target = targetOf(configuration, steps);
    if (typeof target === 'string') return state.refuse(ticket, target);
    const lagging = target.voters.some((id) => !configuration.voters.includes(id) && !this.#isCaughtUp(id));
    if (lagging) return state.refuse(ticket, 'not-caught-up');
    const index = this.#put(transition(configuration, target));
    state.effect({ type: 'accepted', ticket, index, term });
    return undefined;
  }

  /** A configuration was committed: a joint one is ended, and a leader that is no voter any more has done its last work. */
  onCommit(stepDown: () => void): void {
    const state = this.#state;
    const { configuration, configurations, commit } = state;
    if (configurations.newest.index > commit) return;
    if (configuration.outgoing.length > 0) this.#put({ ...configuration, outgoing: [] });
    else if (configuration.voters.length > 0 && !configuration.voters.includes(state.id)) stepDown();
  }

  #put(configuration: Configuration): LogIndex {
    const index = this.#leader.append({ type: 'configuration', configuration });
    this.#leader.reconfigure();
    this.#leader.advanceCommit();
    return index;
  }

  #isCaughtUp(id: ServerId): boolean {
    const { config, log } = this.#state;
    if (id === this.#state.id) return true;
    const progress = this.#leader.followers.get(id);
    if (progress === undefined || progress.recovery !== undefined) return false;
    return progress.mode === 'replicate' && log.lastIndex - progress.match <= config.caughtUpEntries;
  }
}

/** What the steps make of a configuration, or why they cannot be taken. */
export function targetOf(configuration: Configuration, steps: readonly MembershipStep[]): Configuration | Refusal {
  const voters = new Set(configuration.voters);
  const learners = new Set(configuration.learners);
  const addresses = { ...configuration.addresses };
  for (const step of steps) {
    const { type, id } = step;
    const isKnown = voters.has(id) || learners.has(id);
    if (type !== 'add-learner' && type !== 'add-voter' && !isKnown) return 'unknown-server';
    voters.delete(id);
    learners.delete(id);
    if (type === 'remove') delete addresses[id];
    else if (type === 'add-learner' || type === 'demote') learners.add(id);
    else voters.add(id);
    if ('address' in step && step.address !== undefined) addresses[id] = step.address;
  }
  if (voters.size === 0) return 'no-voter-left';
  const target = { voters: [...voters].toSorted(), outgoing: [], learners: [...learners].toSorted(), addresses };
  return isEqual(configuration, target) ? 'no-change' : target;
}

/** The configuration that leads to the target: itself when one voter at most differs, else a joint one. */
export function transition(current: Configuration, target: Configuration): Configuration {
  const added = target.voters.filter((id) => !current.voters.includes(id)).length;
  const removed = current.voters.filter((id) => !target.voters.includes(id)).length;
  return added + removed <= 1 ? target : { ...target, outgoing: current.voters };
}

function isEqual(a: Configuration, b: Configuration): boolean {
  const same = (left: readonly string[], right: readonly string[]): boolean =>
    left.length === right.length && left.every((id) => right.includes(id));
  const addresses = ({ addresses: of }: Configuration): string[] =>
    Object.entries(of).map(([id, address]) => `${id} ${address}`);
  return same(a.voters, b.voters) && same(a.learners, b.learners) && same(addresses(a), addresses(b));
}
