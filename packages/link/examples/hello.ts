// Two links over real sockets: a thousand messages in order at 10 % loss.
import { systemClock, systemRandom } from '@grp/core';
import { createLinks, type Links } from '@grp/link';
import { injectFaults, openNetwork } from '@grp/transport-udp';

async function open(): Promise<Links> {
  const [clock, random] = [systemClock(), systemRandom()];
  const { transport } = injectFaults(await openNetwork({ bind: '127.0.0.1:0' }), { clock, random, loss: 0.1 });
  return createLinks({ transport, clock, random, defer: (flush) => void setImmediate(flush) });
}

const [ann, bob] = [await open(), await open()];
let count = 0;
bob.onReceive((from, message) => {
  const number = Number(new TextDecoder().decode(message));
  if (number !== count++) throw new Error('out of order');
  if (count === 1_000) bob.send(from, new TextEncoder().encode('all 1000, in order'));
});
ann.onReceive((_, message) => {
  console.log(`bob has ${new TextDecoder().decode(message)}`);
  void Promise.all([ann.close(), bob.close()]).then(() => process.exit());
});
ann.onReset((peer) => console.log(`${peer} began a new life: what was under way to it is lost`));

for (let number = 0; number < 1_000; number++) ann.send(bob.self, new TextEncoder().encode(`${number}`));
