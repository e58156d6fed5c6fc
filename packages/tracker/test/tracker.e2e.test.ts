// The tracker on real sockets, plain and with TLS, and in processes that die.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAddress, type Address, type Streams } from '@grp/core';
import { openNetwork, type Network } from '@grp/transport-udp';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createTracker,
  createTrackerClient,
  type Tracker,
  type TrackerClient,
  type TrackerClientOptions,
} from '../src/index.ts';
import { nodeCrypto, tlsStreams, type TlsStreamsOptions } from '../src/node/index.ts';

const crypto = nodeCrypto();
const flags = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning'];
const packageFolder = fileURLToPath(new URL('../', import.meta.url));
const cert = await readFile(new URL('fixtures/cert.pem', import.meta.url), 'utf8');
const key = await readFile(new URL('fixtures/key.pem', import.meta.url), 'utf8');
const cleanUps: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function network(settings: Partial<Parameters<typeof openNetwork>[0]> = {}): Promise<Network> {
  const opened = await openNetwork({ bind: '127.0.0.1:0', maxStreams: 12_000, maxStreamsPerPeer: 12_000, ...settings });
  cleanUps.push(() => opened.close());
  return opened;
}

async function startTracker(streams: Streams): Promise<Tracker> {
  const tracker = createTracker({ streams, crypto });
  await tracker.start();
  cleanUps.push(() => tracker.stop());
  return tracker;
}

async function newClient(
  nick: string,
  tracker: Address,
  { tls, ...options }: Partial<TrackerClientOptions> & { tls?: TlsStreamsOptions['client'] } = {},
): Promise<TrackerClient> {
  const own = await network();
  const streams = tls === undefined ? own.streams : tlsStreams({ streams: own.streams, client: tls });
  const signer = crypto.signer(randomBytes(32));
  const client = createTrackerClient({ streams, tracker, nick, address: own.self, signer, crypto, ...options });
  cleanUps.push(() => client.stop());
  return client;
}

async function until(condition: () => boolean, what: string, withinMs = 30_000): Promise<number> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - start;
}

const members = (client: TrackerClient): readonly string[] =>
  client.group('tea')?.view.members.map(({ nick }) => nick) ?? [];

describe.each([
  ['plain TCP', undefined],
  ['TLS', { ca: cert, servername: 'localhost' }],
] as const)('over %s', (_, tls) => {
  async function open(): Promise<{ tracker: Tracker; ann: TrackerClient; bob: TrackerClient }> {
    const home = await network();
    const streams = tls === undefined ? home.streams : tlsStreams({ streams: home.streams, server: { cert, key } });
    const tracker = await startTracker(streams);
    const own = tls === undefined ? {} : { tls };
    const [ann, bob] = [await newClient('ann', tracker.address, own), await newClient('bob', tracker.address, own)];
    await Promise.all([ann.start(), bob.start()]);
    await ann.join('tea', { create: true, order: 'total' });
    await bob.join('tea');
    await until(() => members(ann).length === 2, 'both see both');
    return { tracker, ann, bob };
  }

  test('two clients meet, relay, and part', async () => {
    const { ann, bob } = await open();
    expect(members(ann)).toEqual(['ann', 'bob']);
    const heard: string[] = [];
    ann.on((event) => void (event.type === 'relay' && heard.push(new TextDecoder().decode(event.payload))));
    await bob.relay('tea', ann.session?.id ?? ('' as never), new TextEncoder().encode('hello'));
    await until(() => heard.length === 1, 'the relayed message');
    const start = performance.now();
    await bob.stop();
    await until(() => members(ann).length === 1, 'bob has left');
    expect([heard, performance.now() - start < 1_000]).toEqual([['hello'], true]);
  });

  test('the tracker stops in order, with clients connected, and at once', async () => {
    const { tracker, ann } = await open();
    const start = performance.now();
    await tracker.stop();
    await until(() => ann.state === 'lost', 'the client hears it');
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});

describe('TLS', () => {
  test('lets nobody in whose certificate is not trusted, and nobody who does not speak it', async () => {
    const home = await network();
    const streams = tlsStreams({ streams: home.streams, server: { cert, key }, handshakeTimeoutMs: 500 });
    const tracker = await startTracker(streams);
    const refused = async (tls: TlsStreamsOptions['client']): Promise<unknown> => {
      const client = await newClient('eve', tracker.address, { tls });
      return client.start({ timeoutMs: 800 }).then(
        () => 'ready',
        (error: { readonly code: string }) => error.code,
      );
    };
    expect(await refused({ servername: 'localhost' })).toBe('TRACKER_LOST'); // signed by nobody
    expect(await refused({ ca: cert, servername: 'other.example' })).toBe('TRACKER_LOST');
    expect(await refused({ fingerprint256: 'AA:BB' })).toBe('TRACKER_LOST');
    const { X509Certificate } = await import('node:crypto');
    const { fingerprint256 } = new X509Certificate(cert);
    expect(await refused({ fingerprint256 })).toBe('ready');
    const { host, port } = parseAddress(tracker.address);
    const plain = connect({ host, port });
    const closed = new Promise((resolve) => plain.once('close', resolve));
    plain.on('error', () => {});
    plain.write('{"v":1,"id":1,"do":"groups"}\n');
    await closed;
    expect(tracker.metrics().edge.connections).toBeLessThanOrEqual(1);
  });

  test('asks clients for certificates when it is told to', async () => {
    const home = await network();
    const streams = tlsStreams({ streams: home.streams, server: { cert, key, clientCa: cert } });
    const tracker = await startTracker(streams);
    const without = await newClient('eve', tracker.address, { tls: { ca: cert, servername: 'localhost' } });
    await expect(without.start({ timeoutMs: 800 })).rejects.toMatchObject({ code: 'TRACKER_LOST' });
    const withOne = await newClient('ann', tracker.address, { tls: { ca: cert, servername: 'localhost', cert, key } });
    expect((await withOne.start()).nick).toBe('ann');
  });
});

test('2,000 idle connections on real sockets: a client gets in all the same, and the memory is bounded', async () => {
  const home = await network();
  const tracker = createTracker(
    { streams: home.streams, crypto },
    { config: { connectionsPerHostMax: 2_100, strangersMax: 1_500 } },
  );
  await tracker.start();
  cleanUps.push(() => tracker.stop());
  const { host, port } = parseAddress(tracker.address);
  const before = process.memoryUsage().rss;
  const idle: Socket[] = [];
  cleanUps.push(() => {
    for (const socket of idle) socket.destroy();
  });
  // A hundred at a time: more than the system's backlog would wait for its timers, not for the tracker.
  while (idle.length < 2_000) {
    for (let count = 0; count < 100; count++) idle.push(connect({ host, port }).on('error', () => {}));
    await until(() => tracker.metrics().health.counts.connections === idle.length, 'all connections');
  }
  const ann = await newClient('ann', tracker.address);
  expect((await ann.start()).nick).toBe('ann');
  await until(() => tracker.metrics().edge.connections <= 1_501, 'the oldest idle ones are gone');
  expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
});

const trackerProgram = `
import { openNetwork } from '@grp/transport-udp';
import { createTracker } from '@grp/tracker';
import { nodeCrypto } from '@grp/tracker/node';
import { FileDisk } from './test/support/file-disk.ts';
const [folder, bind] = process.argv.slice(1);
const network = await openNetwork({ bind });
const tracker = createTracker({ streams: network.streams, crypto: nodeCrypto(), disk: new FileDisk(folder) });
await tracker.start();
console.log(network.self);
`;

async function trackerProcess(folder: string, bind: string): Promise<{ child: ChildProcess; address: Address }> {
  const args = [...flags, '--input-type=module-typescript', '--eval', trackerProgram, folder, bind];
  const child = spawn(process.execPath, args, { cwd: packageFolder, stdio: ['ignore', 'pipe', 'inherit'] });
  cleanUps.push(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the tracker has ended')));
  ended.catch(() => {});
  const [printed] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer];
  return { child, address: printed.toString().trim() as Address };
}

test('a tracker that is killed is back with groups and members within 5 s of its start, and members saw no change', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'grp-tracker-'));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  const first = await trackerProcess(folder, '127.0.0.1:0');
  const [ann, bob] = [await newClient('ann', first.address), await newClient('bob', first.address)];
  await Promise.all([ann.start(), bob.start()]);
  await ann.join('tea', { create: true, order: 'total', key: 'sugar' });
  await bob.join('tea', { key: 'sugar' });
  await until(() => members(ann).length === 2, 'both see both');
  const [view, id] = [ann.group('tea')?.view, ann.session?.id];
  first.child.kill('SIGKILL');
  await until(() => ann.state === 'lost' && bob.state === 'lost', 'the loss');
  await trackerProcess(folder, first.address);
  const backMs = await until(() => ann.state === 'ready' && bob.state === 'ready', 'the return');
  expect([backMs < 5_000, ann.session?.id, ann.group('tea')?.view]).toEqual([true, id, view]);
  const eve = await newClient('eve', first.address);
  await eve.start();
  await expect(eve.join('tea', { key: 'salt' })).rejects.toMatchObject({ code: 'TRACKER_GROUP_KEY' });
  await eve.join('tea', { key: 'sugar' });
  await until(() => members(ann).length === 3, 'all see eve');
});

test('every example runs, prints what it should, and ends by itself', async () => {
  const outputs: Readonly<Record<string, string>> = {
    'meet.ts': ["[ 'ann is owner', 'bob is member' ]", 'bob may come in', 'bob: quit', ''].join('\n'),
  };
  const files = await readdir(join(packageFolder, 'examples'));
  expect(files.toSorted()).toEqual(Object.keys(outputs).toSorted());
  for (const file of files) {
    const args = [...flags, join(packageFolder, 'examples', file)];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
    expect([stdout, stderr]).toEqual([outputs[file], '']);
  }
});
