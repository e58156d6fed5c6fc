// Two links over real sockets: a thousand messages in order at 10 % loss, and a peer that ends.
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
  void bob.close();
});
ann.onReset(() => {
  console.log('bob has gone');
  void ann.close().then(() => process.exit());
});

for (let number = 0; number < 1_000; number++) ann.send(bob.self, new TextEncoder().encode(`${number}`));
