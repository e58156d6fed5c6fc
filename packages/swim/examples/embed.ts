// Two members of one cluster. Each would be a process of its own; `bind` is then an address that the other reaches.
import { openNetwork } from '@grp/transport-udp';
import { createSwim } from '@grp/swim';

async function startMember(name: string, seeds: string[]) {
  const network = await openNetwork({ bind: '127.0.0.1:0' }); // port 0: any that is free
  const swim = createSwim(network, { name, tags: { role: 'web' }, preset: 'local' });
  swim.on((event) => {
    if ('member' in event) console.log(`${name}: ${event.type} ${event.member.name}`);
  });
  swim.start();
  await swim.join(seeds);
  return { network, swim };
}

const ann = await startMember('ann', []); // the first has nobody to join
const bob = await startMember('bob', [ann.swim.self.address]);
console.log(bob.swim.members().map(({ name, status }) => `${name} is ${status}`));

await bob.swim.leave(); // goes with a word; without one it would be found `down` within seconds
ann.swim.stop();
await Promise.all([ann.network.close(), bob.network.close()]);
