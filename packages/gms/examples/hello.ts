// Three members of a group in one process, on real sockets: all deliver the same messages in the same order.
import { systemClock, systemRandom, type NodeId } from '@grp/core';
import { createGroup, createHeartbeatDetector, type GroupHandle } from '@grp/gms';
import { createLinks } from '@grp/link';
import { openNetwork } from '@grp/transport-udp';

const defer = (run: () => void): void => void setImmediate(run);

async function member(name: string): Promise<GroupHandle> {
  const [clock, random, id] = [systemClock(), systemRandom(), `${name}#${Date.now()}` as NodeId];
  const { transport } = await openNetwork({ bind: '127.0.0.1:0' });
  const detector = createHeartbeatDetector({ links: createLinks({ transport, clock, random, defer }), id });
  return createGroup({ links: detector.links, detector, defer }, { name, id });
}

const [ann, bob, eve] = [await member('ann'), await member('bob'), await member('eve')];
await ann.join(); // no seeds: ann founds the group
await Promise.all([bob.join([ann.self.address]), eve.join([ann.self.address])]);
eve.on('message', ({ sequence, payload }) => console.log(sequence, new TextDecoder().decode(payload)));

const text = new TextEncoder();
await Promise.all([ann, bob, eve].map((group) => group.multicast(text.encode(`hello from ${group.self.name}`))));
await eve.multicast(text.encode('goodbye'));
await Promise.all([ann, bob, eve].map((group) => group.leave()));
console.log('same order everywhere:', ann.delivered.orderHash === eve.delivered.orderHash);
process.exit();
