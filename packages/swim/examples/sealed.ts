// A sealed cluster: who does not hold the key neither joins nor says anything that counts.
import { randomBytes } from 'node:crypto';
import { Keyring, systemRandom } from '@grp/core';
import { nodeAead, openNetwork } from '@grp/transport-udp';
import { createSwim } from '@grp/swim';

const key = randomBytes(32); // the same for all members, from a file that only they can read

async function member(name: string, keys: Uint8Array[]) {
  const network = await openNetwork({ bind: '127.0.0.1:0' });
  const keyring = new Keyring({ aead: nodeAead(), random: systemRandom(), keys });
  const swim = createSwim({ ...network, keyring }, { name, label: 'blue', preset: 'local' });
  swim.start();
  return { swim, close: () => (swim.stop(), network.close()) };
}

const [ann, bob, eve] = await Promise.all([
  member('ann', [key]),
  member('bob', [key]),
  member('eve', [randomBytes(32)]),
]);
await bob.swim.join([ann.swim.self.address]);
console.log('bob is in:', ann.swim.members().length === 2);

const refused: unknown = await eve.swim.join([ann.swim.self.address]).catch((error: unknown) => error);
console.log('eve is not:', (refused as { code: string }).code, ann.swim.health().dropped);

// A new key, without a moment in which members do not understand each other: install, use, remove.
const next = randomBytes(32);
await bob.swim.keys.install(next);
await bob.swim.keys.use(next);
const { answered, members, errors } = await bob.swim.keys.remove(key);
console.log(`rotated on ${answered} of ${members}`, errors);
await Promise.all([ann, bob, eve].map(({ close }) => close()));
