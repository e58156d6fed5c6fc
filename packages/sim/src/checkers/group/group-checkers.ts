import type { Millis } from '@grp/core';
import type { Checker } from '../../history.ts';
import { causalOrder } from './causal.ts';
import type { GroupDelivery, GroupEvent } from './events.ts';
import { fifoOrder } from './fifo.ts';
import { groupLiveness } from './group-liveness.ts';
import { integrity } from './integrity.ts';
import { noGaps } from './no-gaps.ts';
import { primaryUniqueness } from './primary-uniqueness.ts';
import { sameViewDelivery } from './same-view-delivery.ts';
import { singleLeader } from './single-leader.ts';
import { stateCut } from './state-cut.ts';
import { totalOrder } from './total-order.ts';
import { uniformAgreement } from './uniform-agreement.ts';
import { validity } from './validity.ts';
import { viewAgreement } from './view-agreement.ts';
import { virtualSynchrony } from './virtual-synchrony.ts';

/** What a group promises, and so what it is judged by. */
export interface GroupCheckersOptions {
  /** The level that the protocol promises (default `agreed`); `safe` adds uniform agreement. */
  readonly delivery?: GroupDelivery;
  /** Which orders it promises (default: all three). */
  readonly orders?: readonly ('fifo' | 'causal' | 'total')[];
  /** `none`: any member may go on alone, as with a perfect failure detector (default `majority`). */
  readonly quorum?: 'majority' | 'none';
  /** How soon after `calm` all must be in one view, in virtual ms (default 30,000). */
  readonly withinMs?: Millis;
}

/**
 * One checker for each property of view-synchronous group communication, named as in the literature (Chockler, Keidar,
 * Vitenberg 2001; Défago, Schiper, Urbán 2004). They ignore events of other kinds; each keeps its first 20 violations.
 * @example
 * const history = new History<GroupEvent>({ checkers: groupCheckers({ delivery: 'safe' }) });
 * history.record({ type: 'send', at: world.now, node: 'n1', message: 'n1:1' });
 * history.finish(); // violations
 */
export function groupCheckers(options: GroupCheckersOptions = {}): readonly Checker<GroupEvent>[] {
  const { delivery = 'agreed', orders = ['fifo', 'causal', 'total'], quorum = 'majority', withinMs = 30_000 } = options;
  return [
    integrity(),
    validity(),
    virtualSynchrony(),
    ...(delivery === 'safe' ? [uniformAgreement()] : []),
    ...(orders.includes('total') ? [totalOrder({ delivery }), noGaps()] : []),
    ...(orders.includes('fifo') ? [fifoOrder()] : []),
    ...(orders.includes('causal') ? [causalOrder()] : []),
    sameViewDelivery({ delivery }),
    viewAgreement(),
    ...(quorum === 'majority' ? [primaryUniqueness()] : []),
    stateCut({ delivery }),
    singleLeader(),
    groupLiveness({ withinMs }),
  ];
}
