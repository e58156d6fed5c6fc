// Datagrams over loopback, ours against bare `node:dgram`, taking turns in one run: throughput, CPU, round trips.
// node --conditions=@grp/source packages/transport-udp/bench/datagrams.ts [seconds per figure] > result.json
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { systemRandom } from '@grp/core';
import { nodeAead, openNetwork } from '@grp/transport-udp';

interface Pair {
  readonly name: string;
  send(payload: Uint8Array): void;
  /** Called for each datagram at the far end; true: send it back. */
  onArrive: (() => boolean) | undefined;
  onReturn: (() => void) | undefined;
  close(): Promise<void>;
}

interface Result {
  readonly name: string;
  readonly bytes: number;
  readonly datagramsPerSecond: number;
  readonly cpuMicrosPerDatagram: number;
  readonly lost: number;
  readonly roundTripP50Micros: number;
  readonly roundTripP99Micros: number;
}

const seconds = Number(process.argv[2] ?? 1);
const rounds = 3;
const windowSize = 64; // fits every receive buffer, so that loss means trouble

async function barePair(): Promise<Pair> {
  const open = async (): Promise<Socket> => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket;
  };
  const [near, far] = [await open(), await open()];
  const port = far.address().port;
  const pair: Pair = {
    name: 'node:dgram',
    send: (payload) => near.send(payload, port, '127.0.0.1'),
    onArrive: undefined,
    onReturn: undefined,
    async close() {
      near.close();
      far.close();
    },
  };
  far.on('message', (message, from) => pair.onArrive?.() && far.send(message, from.port, from.address));
  near.on('message', () => pair.onReturn?.());
  return pair;
}

async function ourPair(allow?: readonly string[]): Promise<Pair> {
  const open = (): ReturnType<typeof openNetwork> => openNetwork({ bind: '127.0.0.1:0', allow });
  const [near, far] = [await open(), await open()];
  const pair: Pair = {
    name: allow === undefined ? '@grp/transport-udp' : '@grp/transport-udp, allow-list',
    send: (payload) => near.transport.send(far.self, payload),
    onArrive: undefined,
    onReturn: undefined,
    async close() {
      await Promise.all([near.close(), far.close()]);
    },
  };
  far.transport.onReceive((from, payload) => pair.onArrive?.() && far.transport.send(from, payload));
  near.transport.onReceive(() => pair.onReturn?.());
  return pair;
}

/** One way, with a window: the next is sent when one has arrived. */
async function throughput(pair: Pair, payload: Uint8Array): Promise<{ count: number; micros: number; lost: number }> {
  let [sent, arrived] = [0, 0];
  const end = performance.now() + seconds * 1_000;
  const cpu = process.cpuUsage();
  await new Promise<void>((resolve) => {
    pair.onArrive = () => {
      arrived++;
      if (performance.now() > end) resolve();
      else {
        pair.send(payload);
        sent++;
      }
      return false;
    };
    for (; sent < windowSize; sent++) pair.send(payload);
    setTimeout(resolve, seconds * 1_000 + 500);
  });
  const used = process.cpuUsage(cpu);
  await new Promise((resolve) => setTimeout(resolve, 50));
  return { count: arrived, micros: used.user + used.system, lost: sent - arrived };
}

async function roundTrips(pair: Pair, payload: Uint8Array): Promise<number[]> {
  const micros: number[] = [];
  const end = performance.now() + seconds * 1_000;
  let sentAt = 0;
  await new Promise<void>((resolve) => {
    pair.onArrive = () => true;
    pair.onReturn = () => {
      const now = performance.now();
      micros.push((now - sentAt) * 1_000);
      if (now > end) return resolve();
      sentAt = performance.now();
      pair.send(payload);
    };
    sentAt = performance.now();
    pair.send(payload);
    setTimeout(resolve, seconds * 1_000 + 500);
  });
  return micros;
}

async function measure(make: () => Promise<Pair>, bytes: number): Promise<Result> {
  const pair = await make();
  const payload = new Uint8Array(bytes).fill(7);
  const { count, micros, lost } = await throughput(pair, payload);
  const trips = (await roundTrips(pair, payload)).toSorted((a, b) => a - b);
  await pair.close();
  const at = (quantile: number): number => round(trips[Math.floor(trips.length * quantile)] ?? Number.NaN, 1);
  return {
    name: pair.name,
    bytes,
    datagramsPerSecond: Math.round(count / seconds),
    cpuMicrosPerDatagram: round(micros / count, 2),
    lost,
    roundTripP50Micros: at(0.5),
    roundTripP99Micros: at(0.99),
  };
}

function sealing(bytes: number): { readonly sealMicros: number; readonly openMicros: number; readonly bytes: number } {
  const aead = nodeAead();
  const random = systemRandom();
  const fill = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random.nextU32());
  const [key, nonce, plaintext, additional] = [fill(32), fill(12), fill(bytes), new Uint8Array(0)];
  const sealed = aead.seal(key, nonce, plaintext, additional);
  const each = (work: () => unknown): number => {
    const count = 20_000;
    for (let index = 0; index < count; index++) work();
    const startedAt = performance.now();
    for (let index = 0; index < count; index++) work();
    return round(((performance.now() - startedAt) * 1_000) / count, 2);
  };
  return {
    bytes,
    sealMicros: each(() => aead.seal(key, nonce, plaintext, additional)),
    openMicros: each(() => aead.open(key, nonce, sealed, additional)),
  };
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

function median(results: readonly Result[]): Result {
  const sorted = results.toSorted((a, b) => a.datagramsPerSecond - b.datagramsPerSecond);
  return sorted[Math.floor(sorted.length / 2)] as Result;
}

const makers = [barePair, () => ourPair(), () => ourPair(['127.0.0.0/8'])];
const results: Result[] = [];
for (const bytes of [100, 1_400]) {
  const all: Result[][] = makers.map(() => []);
  for (let turn = 0; turn < rounds; turn++)
    for (const [index, make] of makers.entries()) all[index]?.push(await measure(make, bytes));
  results.push(...all.map(median));
}
const gcm = [200, 1_400].map(sealing);

console.error(`median of ${rounds} turns of ${seconds} s, loopback, both ends in one process, Node ${process.version}`);
console.error('                                  bytes   datagrams/s   CPU µs each   lost   round trip p50   p99 µs');
for (const result of results) {
  const { name, bytes, datagramsPerSecond, cpuMicrosPerDatagram, lost } = result;
  const cells = [String(bytes).padStart(7), String(datagramsPerSecond).padStart(14)];
  cells.push(String(cpuMicrosPerDatagram).padStart(14), String(lost).padStart(7));
  cells.push(String(result.roundTripP50Micros).padStart(17), String(result.roundTripP99Micros).padStart(9));
  console.error(name.padEnd(32) + cells.join(''));
}
for (const { bytes, sealMicros, openMicros } of gcm)
  console.error(`AES-256-GCM ${bytes} bytes: seal ${sealMicros} µs, open ${openMicros} µs`);
console.log(JSON.stringify({ schema: 'grp.bench.datagrams/1', node: process.version, seconds, results, gcm }));
