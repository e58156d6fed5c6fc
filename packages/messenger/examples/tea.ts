// A tracker and two messengers in one process, over real sockets.
import { openMessenger } from '@grp/messenger';
import { createTracker } from '@grp/tracker';
import { nodeCrypto } from '@grp/tracker/node';
import { openNetwork } from '@grp/transport-udp';

const network = await openNetwork({ bind: '127.0.0.1:0' });
const tracker = createTracker({ streams: network.streams, crypto: nodeCrypto() });
await tracker.start();

const [ann, bob] = await Promise.all([
  openMessenger({ tracker: network.self, nick: 'ann' }),
  openMessenger({ tracker: network.self, nick: 'bob' }),
]);
const heard = new Promise<void>((resolve) => {
  bob.messenger.on((event) => {
    if (event.type !== 'message') return;
    console.log(`${event.sequence} ${event.from}: ${event.text}`);
    if (event.text === 'milk?') bob.messenger.send('tea', 'just a little');
    if (event.text === 'just a little') resolve();
  });
});
for (const { messenger } of [ann, bob]) {
  await messenger.start();
  await messenger.join('tea', { order: 'total' });
}
ann.messenger.send('tea', 'milk?');
await heard;
await Promise.all([ann.close({ reason: 'tea time is over' }), bob.close()]);
await tracker.stop();
await network.close();
