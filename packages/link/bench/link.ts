// Links between two processes over loopback, against bare UDP and TCP, taking turns in one run: messages a second, and a
// CPU-second of both ends together; round trips with one message under way. npm run bench -- link [seconds] [rounds] > result.json
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openEnd, type End, type Kind } from './ends.ts';

interface Case {
  readonly kind: Kind;
  readonly messageBytes: number;
  readonly frameBytes: number;
}

interface Result extends Case {
  readonly messagesPerSecond: number;
  readonly messagesPerCpuSecond: number;
  readonly senderMicrosPerFrame: number;
  readonly receiverMicrosPerFrame: number;
  readonly lost: number;
  readonly retransmits: number;
}

interface RoundTrips {
  readonly kind: Kind;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

type Mark = { readonly cpuMicros: number; readonly messages: number; readonly frames: number };

const [secondsGiven, roundsGiven, kindsGiven] = process.argv.slice(2);
const farFlags = process.env['LINK_BENCH_FAR_FLAGS']?.split(' ') ?? []; // `--cpu-prof`, say
const isFarEnd = process.env['LINK_BENCH'] !== undefined;
const seconds = Number(secondsGiven ?? 1);
const rounds = Number(roundsGiven ?? 3);
const kinds = (kindsGiven ?? 'udp,tcp,link').split(',') as Kind[];
const cases: Case[] = [
  [100, 1_400],
  [1_000, 1_400],
  [100, 8_900],
  [1_000, 8_900],
].flatMap(([messageBytes, frameBytes]) =>
  kinds.map((kind) => ({ kind, messageBytes: messageBytes as number, frameBytes: frameBytes as number })),
);

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const round = (value: number, digits = 0): number => Math.round(value * 10 ** digits) / 10 ** digits;
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

function mark(end: End): Mark {
  const { user, system } = process.cpuUsage();
  return { cpuMicros: user + system, messages: end.receivedMessages, frames: end.sentFrames };
}

/** The far end: counts, or echoes, and tells its figures when asked. */
async function serve(): Promise<void> {
  const { kind, frameBytes, messageBytes } = JSON.parse(process.env['LINK_BENCH'] as string) as Case;
  const end = await openEnd({ kind, frameBytes, messageBytes });
  process.on('message', (ask: 'mark' | 'echo') => {
    if (ask === 'echo') end.echo();
    process.send?.(mark(end));
  });
  process.once('disconnect', () => process.exit());
  process.send?.(end.address);
}

async function startFar(which: Case): Promise<{ far: ChildProcess; address: string; near: End }> {
  const env = { ...process.env, LINK_BENCH: JSON.stringify(which) };
  const far = fork(fileURLToPath(import.meta.url), [], { env, execArgv: [...process.execArgv, ...farFlags] });
  const [address] = (await once(far, 'message')) as [string];
  return { far, address, near: await openEnd(which) };
}

async function ask(far: ChildProcess, what: 'mark' | 'echo'): Promise<Mark> {
  const answer = once(far, 'message');
  far.send(what);
  const [given] = (await answer) as [Mark];
  return given;
}

async function stream(which: Case): Promise<Result> {
  const { far, address, near } = await startFar(which);
  await near.connect(address);
  near.stream();
  await pass(500);
  const [farBefore, nearBefore, startedAt] = [await ask(far, 'mark'), mark(near), performance.now()];
  await pass(seconds * 1_000);
  const [farAfter, nearAfter, endedAt] = [await ask(far, 'mark'), mark(near), performance.now()];
  near.stop();
  await pass(100);
  const { messages: received } = await ask(far, 'mark');
  const messages = farAfter.messages - farBefore.messages;
  const farMicros = farAfter.cpuMicros - farBefore.cpuMicros;
  const nearMicros = nearAfter.cpuMicros - nearBefore.cpuMicros;
  const frames = nearAfter.frames - nearBefore.frames;
  const { retransmits, sentMessages } = near;
  await end(far, near);
  return {
    ...which,
    messagesPerSecond: round((messages * 1_000) / (endedAt - startedAt)),
    messagesPerCpuSecond: round((messages * 1e6) / (farMicros + nearMicros)),
    senderMicrosPerFrame: round(nearMicros / frames, 2),
    receiverMicrosPerFrame: round(farMicros / frames, 2),
    lost: which.kind === 'udp' ? sentMessages - received : 0,
    retransmits,
  };
}

async function roundTrips(kind: Kind): Promise<RoundTrips> {
  const { far, address, near } = await startFar({ kind, messageBytes: 100, frameBytes: 1_400 });
  await near.connect(address);
  await ask(far, 'echo');
  await near.pingPong(300);
  const micros = (await near.pingPong(seconds * 1_000)).toSorted((a, b) => a - b);
  await end(far, near);
  const at = (quantile: number): number => round(micros[Math.floor(micros.length * quantile)] ?? Number.NaN, 1);
  return { kind, p50Micros: at(0.5), p99Micros: at(0.99) };
}

async function end(far: ChildProcess, near: End): Promise<void> {
  const gone = once(far, 'exit');
  far.disconnect();
  await gone;
  await near.close();
}

async function main(): Promise<void> {
  const all = new Map<Case, Result[]>(cases.map((which) => [which, []]));
  const trips: RoundTrips[] = [];
  for (let turn = 0; turn < rounds; turn++) {
    for (const [which, results] of all) results.push(await stream(which));
    for (const kind of kinds) trips.push(await roundTrips(kind));
  }
  const results = [...all.values()].map((turns) => {
    const middle = median(turns.map(({ messagesPerCpuSecond }) => messagesPerCpuSecond));
    return turns.find(({ messagesPerCpuSecond }) => messagesPerCpuSecond === middle) as Result;
  });
  const medians = kinds.map((kind) => {
    const own = trips.filter((trip) => trip.kind === kind);
    return {
      kind,
      p50Micros: median(own.map(({ p50Micros }) => p50Micros)),
      p99Micros: median(own.map(({ p99Micros }) => p99Micros)),
    };
  });
  print(results, medians);
  console.log(
    JSON.stringify({
      schema: 'grp.bench.link/1',
      node: process.version,
      seconds,
      rounds,
      results,
      roundTrips: medians,
    }),
  );
}

function print(results: readonly Result[], trips: readonly RoundTrips[]): void {
  console.error(`median of ${rounds} turns of ${seconds} s, two processes on loopback, Node ${process.version}`);
  console.error('         message   frame    messages/s   per CPU-second   µs/frame out      in   again');
  for (const result of results) {
    const { kind, messageBytes, frameBytes, messagesPerSecond, messagesPerCpuSecond, retransmits } = result;
    const cells = [`${messageBytes} B`.padStart(9), `${frameBytes}`.padStart(8), `${messagesPerSecond}`.padStart(14)];
    cells.push(`${messagesPerCpuSecond}`.padStart(17), `${result.senderMicrosPerFrame}`.padStart(15));
    cells.push(`${result.receiverMicrosPerFrame}`.padStart(8), `${retransmits}`.padStart(8));
    console.error(kind.padEnd(7) + cells.join(''));
  }
  for (const { kind, p50Micros, p99Micros } of trips)
    console.error(`${kind.padEnd(7)}round trip of 100 B, one under way: p50 ${p50Micros} µs, p99 ${p99Micros} µs`);
}

await (isFarEnd ? serve() : main());
