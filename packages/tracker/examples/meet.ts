// Two members meet in a group through a tracker, and one checks the other's ticket.
import { randomBytes } from 'node:crypto';
import { createTracker, createTrackerClient, verifyTicket } from '@grp/tracker';
import { nodeCrypto } from '@grp/tracker/node';
import { openNetwork } from '@grp/transport-udp';

const crypto = nodeCrypto();
const home = await openNetwork({ bind: '127.0.0.1:0' });
const tracker = createTracker({ streams: home.streams, crypto }, { motd: 'be kind' });
await tracker.start();

async function member(nick: string) {
  const network = await openNetwork({ bind: '127.0.0.1:0' });
  const { streams, self: address } = network;
  const signer = crypto.signer(randomBytes(32)); // keep the 32 bytes: they are who you are
  const client = createTrackerClient({ streams, tracker: tracker.address, nick, address, signer, crypto });
  await client.start();
  return { network, client };
}

const [ann, bob] = [await member('ann'), await member('bob')];
await ann.client.join('tea', { create: true, order: 'total' });
const { ticket = '', view } = await bob.client.join('tea');
console.log(view.members.map(({ nick, role }) => `${nick} is ${role}`));

const trackerKey = tracker.publicKey;
const wallMs = ann.client.trackerWallMs();
const shown = verifyTicket(ticket, { crypto, trackerKey, group: 'tea', wallMs, view });
console.log('nick' in shown ? `${shown.nick} may come in` : shown.problem);

ann.client.on((event) => {
  if (event.type === 'view') for (const { member, reason } of event.left) console.log(`${member.nick}: ${reason}`);
});
await bob.client.stop();
while (ann.client.group('tea')?.view.members.length !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
await ann.client.stop();
await tracker.stop();
await Promise.all([ann, bob].map(({ network }) => network.close()));
await home.close();
