// How fast a tracker is on loopback: `node --conditions=@grp/source bench/tracker.ts [clients]`. It prints; it does not judge.
import { randomBytes } from 'node:crypto';
import { openNetwork } from '@grp/transport-udp';
import { createTracker, createTrackerClient, type TrackerClient } from '@grp/tracker';
import { nodeCrypto } from '@grp/tracker/node';

const clientCount = Number(process.argv[2] ?? 200);
const crypto = nodeCrypto();
const home = await openNetwork({ bind: '127.0.0.1:0', maxStreams: 12_000, maxStreamsPerPeer: 12_000 });
const config = {
  ...{ hellosPerSecond: 10_000, hellosBurst: 100_000, relayBytesPerSecond: 16_777_216, relayBytesBurst: 67_108_864 },
  ...{
    linesPerSecond: 100_000,
    linesBurst: 100_000,
    relayTotalBytesPerSecond: 1_073_741_824,
    groupsPerHostPerHour: 100_000,
  },
};
const tracker = createTracker({ streams: home.streams, crypto }, { config });
await tracker.start();
const own = await openNetwork({ bind: '127.0.0.1:0' });

/** A number in letters that nobody takes for each other: `1` and `l` are one name to a tracker. */
function lettersOf(index: number): string {
  return String(index).replaceAll(/\d/g, (digit) => 'abcdefghjk'.charAt(Number(digit)));
}

function newClient(index: number): TrackerClient {
  const signer = crypto.signer(randomBytes(32));
  const nick = `x${lettersOf(index)}`;
  return createTrackerClient({
    streams: own.streams,
    tracker: tracker.address,
    nick,
    address: own.self,
    signer,
    crypto,
  });
}

function report(what: string, count: number, startedAt: number): void {
  const ms = performance.now() - startedAt;
  console.log(
    `${what}: ${Math.round((count * 1_000) / ms).toLocaleString('en-US')} a second (${count} in ${ms.toFixed(0)} ms)`,
  );
}

const clients = Array.from({ length: clientCount }, (_, index) => newClient(index));
let startedAt = performance.now();
await Promise.all(clients.map((client) => client.start({ timeoutMs: 60_000 })));
report('hello, both sides in one process', clientCount, startedAt);
startedAt = performance.now();
const joins = clients.map((client, index) =>
  client.join(`g${lettersOf(index % Math.ceil(clientCount / 10))}`, { create: true, timeoutMs: 60_000 }),
);
await Promise.all(joins);
report('joins, groups of ten', clientCount, startedAt);

const [ann, bob] = clients as [TrackerClient, TrackerClient];
const times: number[] = [];
for (let round = 0; round < 2_000; round++) {
  const at = performance.now();
  await ann.request('beat', { seen: 0 });
  times.push(performance.now() - at);
}
times.sort((a, b) => a - b);
console.log(`round trip of a heartbeat: p50 ${times[1_000]?.toFixed(3)} ms, p99 ${times[1_980]?.toFixed(3)} ms`);

const group = await ann.join('relayed', { create: true });
await bob.join('relayed');
const to = bob.session?.id ?? ('' as never);
let [heard, sent] = [0, 0];
bob.on((event) => void (event.type === 'relay' && heard++));
startedAt = performance.now();
while (sent < 20_000) {
  await Promise.all(Array.from({ length: 100 }, () => ann.relay(group.info.group, to, new Uint8Array(100))));
  sent += 100;
}
report(`relayed messages of 100 B (${heard} arrived)`, sent, startedAt);
await Promise.all(clients.map((client) => client.stop()));
await tracker.stop();
await Promise.all([own.close(), home.close()]);
