import type { Checker } from '../../history.ts';
import { Confirmed } from './confirmed.ts';
import type { GroupDelivery, GroupEvent } from './events.ts';
import { Findings } from './findings.ts';

/**
 * State-transfer cut: a joiner's state is exactly that of every other member after the same message. Compares the
 * digests of all states and deliveries that carry one.
 */
export function stateCut({ delivery }: { readonly delivery: GroupDelivery }): Checker<GroupEvent> {
  const name = 'state-transfer cut';
  const findings = new Findings(name);
  const known = new Map<number, { readonly node: string; readonly digest: string }>();
  const confirmed = new Confirmed(delivery, (_life, event) => {
    const { node, sequence, digest } = event;
    if (sequence === undefined || digest === undefined) return;
    const first = known.get(sequence);
    if (first === undefined) known.set(sequence, { node, digest });
    else if (first.digest !== digest) {
      const how = event.type === 'state' ? 'received the state' : 'was in the state';
      findings.add(
        `${node} ${how} ${digest} after message ${sequence}, where ${first.node} was in ${first.digest}.`,
        event,
      );
    }
  });
  return {
    name,
    observe: (event) => confirmed.observe(event),
    finish() {
      confirmed.finish();
      return findings.list;
    },
  };
}
