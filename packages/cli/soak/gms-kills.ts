// Kills the leader of a real group under load, again and again, and judges what the survivors delivered.
// `npm run soak -- gms-kills [--kills N] [--rate N] [--members N] [--delivery agreed|safe]`
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

interface Answer {
  readonly status: string;
  readonly leader: string | undefined;
  readonly members: number;
  readonly mark: { readonly sequence: number; readonly orderHash: string };
  readonly checkpoints: readonly (readonly [number, string])[];
  readonly problems: readonly string[];
  readonly delivered: number;
  readonly ownSent: number;
  readonly ownDelivered: number;
  readonly gapMs: number;
}

interface Member {
  readonly name: string;
  readonly child: ChildProcess;
  readonly bind: string;
}

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    rate: { type: 'string', default: '1000' },
    members: { type: 'string', default: '4' },
    delivery: { type: 'string', default: 'agreed' },
  },
});
const kills = Number(values.kills);
const memberCount = Number(values.members);
const script = fileURLToPath(new URL('gms-member.ts', import.meta.url));

const members: Member[] = [];
/** Sequence → the hash of the 500 messages that end there, as it was told first. */
const row = new Map<number, string>();
const problems: string[] = [];
const gaps: number[] = [];
let started = 0;
let delivered = 0;

async function start(): Promise<void> {
  const name = `m${++started}`;
  const order = { name, join: members.map(({ bind }) => bind), delivery: values.delivery, rate: Number(values.rate) };
  const child = fork(script, [JSON.stringify(order)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ bind }] = (await once(child, 'message')) as [{ bind: string }];
  members.push({ name, child, bind });
}

async function ask({ name, child }: Member, question: 'tell' | 'quiet'): Promise<Answer> {
  child.send(question);
  const [answer] = (await once(child, 'message', { signal: AbortSignal.timeout(30_000) })) as [Answer];
  for (const [sequence, hash] of answer.checkpoints) {
    const known = row.get(sequence);
    if (known === undefined) row.set(sequence, hash);
    else if (known !== hash) problems.push(`${name} delivered something else among the 500 messages up to ${sequence}`);
  }
  for (const problem of answer.problems) problems.push(`${name}: ${problem}`);
  return answer;
}

async function askAll(question: 'tell' | 'quiet'): Promise<readonly Answer[]> {
  return Promise.all(members.map((member) => ask(member, question)));
}

/** Until all are in one view of all; how long that took is not judged here. */
async function untilWhole(): Promise<readonly Answer[]> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const answers = await askAll('tell');
    const leader = answers[0]?.leader;
    const whole = answers.every((a) => a.status === 'joined' && a.members === members.length && a.leader === leader);
    if (whole) return answers;
    if (performance.now() > deadline) throw new Error(`not whole after a minute: ${JSON.stringify(answers)}`);
    await sleep(100);
  }
}

await start();
for (let index = 1; index < memberCount; index++) await start();

for (let kill = 1; kill <= kills && problems.length === 0; kill++) {
  const [{ leader } = { leader: '' }] = await untilWhole();
  await sleep(200 + Math.random() * 300); // in the middle of things
  await askAll('tell'); // begins the measurement of the gap
  const position = members.findIndex(({ name }) => name === leader);
  const [dead] = members.splice(position, 1) as [Member];
  dead.child.kill('SIGKILL');
  await once(dead.child, 'exit');
  const answers = await untilWhole();
  gaps.push(Math.max(...answers.map(({ gapMs }) => gapMs)));
  await start();
  if (kill % 10 === 0)
    console.error(`${kill} of ${kills} kills: ${problems.length} problems, gap so far ${text(gaps)}`);
}

// Everything sent by those who live must have come, and everybody must be at the same place.
await askAll('quiet');
const deadline = performance.now() + 30_000;
let last = await askAll('quiet');
while (!isSettled(last) && performance.now() < deadline) {
  await sleep(100);
  last = await askAll('quiet');
}
if (!isSettled(last))
  problems.push(
    `not settled: ${JSON.stringify(last.map(({ mark, ownSent, ownDelivered }) => ({ mark, ownSent, ownDelivered })))}`,
  );
for (const answer of last) delivered += answer.delivered;
for (const { child } of members) child.send('stop');
await Promise.all(members.map(({ child }) => once(child, 'exit')));

function isSettled(answers: readonly Answer[]): boolean {
  const [first] = answers;
  return answers.every(
    ({ mark, ownSent, ownDelivered }) =>
      ownSent === ownDelivered && mark.sequence === first?.mark.sequence && mark.orderHash === first.mark.orderHash,
  );
}

function text(all: readonly number[]): string {
  const sorted = all.toSorted((one, other) => one - other);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`;
}

const sequence = last[0]?.mark.sequence ?? 0;
console.log(
  JSON.stringify({
    kills: gaps.length,
    delivery: values.delivery,
    sequence,
    compared: row.size,
    deliveredByLast: delivered,
    gaps: text(gaps),
    problems,
  }),
);
process.exitCode = problems.length === 0 ? 0 : 8;
