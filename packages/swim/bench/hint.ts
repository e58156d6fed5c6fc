// How long until swim says down: processes on loopback, one killed with SIGKILL, a hint to a survivor at once. Ms from the
// kill to the first and to the last list. npm run bench -- hint [members] [kills] [hint|wait] > result.json
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createSwim } from '@grp/swim';
import { openNetwork } from '@grp/transport-udp';

type Said =
  | { readonly type: 'ready'; readonly id: string; readonly address: string }
  | { readonly type: 'join' | 'down'; readonly id: string; readonly at: number };
type Told =
  | { readonly type: 'join'; readonly seeds: readonly string[] }
  | { readonly type: 'hint'; readonly id: string };

/** Ms of the clock that all processes of the host share. */
const now = (): number => performance.timeOrigin + performance.now();

async function member(): Promise<void> {
  const network = await openNetwork({ bind: '127.0.0.1:0' });
  const swim = createSwim(network, { preset: 'lan' });
  const say = (said: Said): void => void process.send?.(said);
  swim.on((event) => {
    if (event.type === 'join' || event.type === 'down') say({ type: event.type, id: event.member.id, at: now() });
  });
  process.on('message', (told: Told) => {
    if (told.type === 'hint') swim.hint(told.id);
    else swim.join(told.seeds).catch(() => process.exit(1));
  });
  swim.start();
  say({ type: 'ready', id: swim.self.id, address: swim.self.address });
}

interface Member {
  readonly child: ChildProcess;
  readonly id: string;
  readonly address: string;
  readonly listed: Set<string>;
  readonly downs: Map<string, number>;
}

async function startMember(): Promise<Member> {
  const child = fork(fileURLToPath(import.meta.url), { env: { ...process.env, HINT_BENCH: 'member' } });
  const [ready] = (await once(child, 'message')) as [Extract<Said, { type: 'ready' }>];
  const { id, address } = ready;
  const started: Member = { child, id, address, listed: new Set(), downs: new Map() };
  child.on('message', (said: Said) => {
    if (said.type === 'join') started.listed.add(said.id);
    else if (said.type === 'down') started.downs.set(said.id, said.at);
  });
  return started;
}

const tell = ({ child }: Member, told: Told): void => void child.send(told);

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await sleep(5);
}

async function kills(count: number, memberCount: number, hints: boolean): Promise<[number[], number[]]> {
  const members: Member[] = [];
  const firsts: number[] = [];
  const lasts: number[] = [];
  const fill = async (): Promise<void> => {
    while (members.length < memberCount) {
      const next = await startMember();
      if (members[0] !== undefined) tell(next, { type: 'join', seeds: [members[0].address] });
      members.push(next);
    }
    await until(() => members.every(({ listed, id }) => members.every((one) => one.id === id || listed.has(one.id))));
  };
  try {
    for (let kill = 0; kill < count; kill++) {
      await fill();
      await sleep(2_000 + Math.random() * 1_000); // round trips are measured, and no instant is preferred
      const [victim] = members.splice(Math.floor(Math.random() * memberCount), 1) as [Member];
      const startedAt = now();
      victim.child.kill('SIGKILL');
      const witness = members[Math.floor(Math.random() * members.length)] as Member;
      if (hints) tell(witness, { type: 'hint', id: victim.id });
      await until(() => members.every(({ downs }) => downs.has(victim.id)));
      const tookMs = members.map(({ downs }) => (downs.get(victim.id) as number) - startedAt);
      firsts.push(Math.min(...tookMs));
      lasts.push(Math.max(...tookMs));
      process.stderr.write(`kill ${kill + 1}: ${firsts.at(-1)?.toFixed(0)} to ${lasts.at(-1)?.toFixed(0)} ms\n`);
    }
  } finally {
    for (const { child } of members) child.kill('SIGKILL');
  }
  return [firsts, lasts];
}

function summary(values: readonly number[]): Record<string, number> {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] as number);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

if (process.env['HINT_BENCH'] === 'member') {
  await member();
} else {
  const [members = '5', count = '50', mode = 'hint'] = process.argv.slice(2);
  const [firstMs, lastMs] = await kills(Number(count), Number(members), mode === 'hint');
  const result = { bench: 'hint', node: process.version, members: Number(members), kills: Number(count), mode };
  console.log(JSON.stringify({ ...result, firstMs: summary(firstMs), lastMs: summary(lastMs) }));
}
