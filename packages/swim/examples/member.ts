// A member of a cluster, to be embedded in a service. It joins through any other member.
import { createSwim } from '@grp/swim';
import { openNetwork } from '@grp/transport-udp';

const network = await openNetwork({ bind: '127.0.0.1:0' });
const swim = createSwim(network, { name: 'ann', tags: { role: 'web' } });
swim.on((event) => {
  if ('member' in event) console.log(event.type, event.member.name);
});
process.once('SIGTERM', async () => {
  await swim.leave();
  await network.close();
});
swim.start();
await swim.join(['127.0.0.1:7946']);
console.log(swim.members().map(({ name, status }) => `${name} is ${status}`));
