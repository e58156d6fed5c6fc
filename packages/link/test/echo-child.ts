// A process that sends every message back until it is killed.
import { systemClock, systemRandom } from '@grp/core';
import { openNetwork } from '@grp/transport-udp';
import { createLinks } from '@grp/link';

const { transport } = await openNetwork({ bind: process.argv[2] ?? '127.0.0.1:0' });
const links = createLinks({
  transport,
  clock: systemClock(),
  random: systemRandom(),
  defer: (run) => void setImmediate(run),
});
links.onReceive((from, message) => links.send(from, message));
process.once('disconnect', () => process.exit());
process.send?.(links.self);
