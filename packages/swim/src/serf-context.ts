import { encodeMessage } from '@grp/memberlist-wire';
import type { Claims } from './claims.ts';
import type { Runtime } from './runtime.ts';
import type { SerfContext } from './serf/context.ts';
import { isIntent, isLeaveIntent } from './serf/intents.ts';

/**
 * What the Serf layer sees of the member below it.
 * @param isOrigin is what happens now said by this node's own application, and so news to everyone?
 */
export function serfContext(runtime: Runtime, claims: Claims, isOrigin: () => boolean): SerfContext {
  const { list, self } = runtime;
  return {
    name: self.name,
    address: self.address,
    now: () => runtime.now,
    memberCount: () => list.liveCount,
    members: () => [...list.all()].filter((record) => claims.isListed(record)),
    member: (name) => list.get(name),
    memberAt: (address) => list.at(address),
    broadcast: (body, key) => {
      // Among grp members alive and dead say it all; the intents are for Serf agents alone.
      if (isIntent(body) && !list.hasStrangers) return;
      // A leave intent races with the end that it explains: an agent that hears it second takes the leave for a failure.
      const urgent = isOrigin() || isLeaveIntent(body);
      runtime.spread(`serf:${key}`, encodeMessage({ type: 'user', body }), { urgent });
    },
    sendTo: (address, body) =>
      runtime.sendProbe(address, [encodeMessage({ type: 'user', body })], { piggyback: false }),
    output: (output) => {
      if (output.type === 'dropped') runtime.drop(`serf: ${output.reason}`);
      else runtime.effect({ type: 'output', output });
    },
    leaveIntended: (name, prune) => claims.leaveIntended(name, prune),
    leaveWithdrawn: (name) => claims.leaveWithdrawn(name),
  };
}
