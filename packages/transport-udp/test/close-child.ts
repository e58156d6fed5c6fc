// Run by network.e2e.test.ts: opens streams, one of them full and to a stopped process, closes, and must then end.
import { formatAddress, parseAddress } from '@grp/core';
import { openNetwork } from '@grp/transport-udp';
import { pass, silentPeer, until } from './helpers.ts';

const silent = await silentPeer('127.0.0.1', { fill: false });
const [a, b] = [await openNetwork({ bind: '127.0.0.1:0' }), await openNetwork({ bind: '127.0.0.1:0' })];
b.streams.onAccept(() => ({}));
b.transport.onReceive(() => {});
let opened = 0;
const handlers = { onOpen: () => void opened++ };
const stuck = a.streams.dial(silent.address, handlers);
while (stuck.write(new Uint8Array(65_536)));
stuck.write(new Uint8Array(4_000_000));
a.streams.dial(b.self, handlers).write(new Uint8Array(10));
await until(() => opened === 2, 'both streams open');
a.streams.dial(formatAddress('127.0.0.1', parseAddress(b.self).port), handlers); // still connecting
a.transport.send(b.self, new Uint8Array(10));
const startedAt = performance.now();
await Promise.all([a.close(), b.close()]);
const closeMs = performance.now() - startedAt;
await silent.close();
await pass(10);
const ours = /UDP|TCP|Timeout|Pipe/;
const resources = process.getActiveResourcesInfo().filter((name) => ours.test(name) && name !== 'PipeWrap');
process.stdout.write(JSON.stringify({ closeMs, resources }));
