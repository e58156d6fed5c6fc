// Whole worlds in trouble: whatever happens, each life hears each life in order and once, and losses are told.
import type { Address } from '@grp/core';
import { assertSeeds, chaos, createWorld, runSeeds, type SeedOutcome, type Violation } from '@grp/sim';
import { expect, test } from 'vitest';
import { bytesOf, life, port, type Life } from './world.ts';

const config = { rtoInitialMs: 60, rtoMinMs: 20, rtoMaxMs: 500, queueBytesMax: 200_000, silentMs: 100 };
const names = ['a', 'b', 'c'];

/** `a.2 > b 17`: of the second life of a, for b, the 17th accepted since the last reset of b there (`session`). */
interface Sent {
  readonly life: string;
  readonly to: Address;
  session: number;
  count: number;
}

async function storm(seed: number): Promise<SeedOutcome> {
  const world = createWorld({
    seed,
    nodes: names,
    start: life({ config, eager: seed % 3 === 0 }),
    network: { loss: 0.3 * ((seed % 4) / 3), duplication: 0.1, reorder: 0.2 },
  });
  const trouble = chaos(world, {
    kinds: ['loss', 'duplication', 'reorder', 'delay', 'partition', 'cut', 'crash', 'pause', 'cpu'],
    everyMs: 400,
    lastsMs: 600,
    downMax: 2,
  });
  const book = new Map<string, Sent>();
  const seen = new Map<Life, string>();
  const lives: Life[] = [];
  let stage = 'storm';
  const talk = (): void => {
    for (const name of names) {
      if (world.state(name) !== 'running') continue;
      const app = world.node(name);
      if (!seen.has(app)) {
        seen.set(app, `${name}.${app.host.incarnation}`);
        lives.push(app);
        app.links.onReset((peer) => {
          const sent = book.get(`${seen.get(app)} ${peer}`);
          if (sent === undefined) return;
          sent.session++;
          sent.count = 0;
        });
      }
      for (const other of names) {
        const to = world.address(other, port);
        const key = `${seen.get(app)} ${to}`;
        const sent = book.get(key) ?? { life: seen.get(app) as string, to, session: 0, count: 0 };
        book.set(key, sent);
        // In the calm at least one: whoever says nothing to a new life does not learn of it.
        const burst = (world.random.nextU32() % 4) + (stage === 'calm' ? 1 : 0);
        for (let count = 0; count < burst; count++) {
          const size = world.random.nextU32() % 40 === 0 ? 9_000 : 20 + (world.random.nextU32() % 300);
          const text = `${sent.life} ${sent.session} ${sent.count} ${stage} ${size}|`;
          const message = new Uint8Array(Math.max(size, 64));
          message.set(bytesOf(text));
          if (app.links.send(to, message)) sent.count++;
        }
      }
    }
  };
  for (let step = 0; step < 150; step++) {
    await world.run(40);
    talk();
  }
  const counts = trouble.report();
  world.calm();
  stage = 'calm';
  await world.run(1_500);
  talk();
  await world.run(6_000);
  const violations = lives.flatMap((app) => judge(app, seen.get(app) as string));
  for (const name of names) {
    const app = world.node(name);
    violations.push(...unsent(app, name));
    for (const other of names) {
      const sent = book.get(`${seen.get(app)} ${world.address(other, port)}`);
      if (sent !== undefined) violations.push(...unheard(sent, world.node(other), app.links.self));
    }
  }
  return { traceHash: world.traceHash(), violations, counts: { ...counts, ...happened(lives) } };
}

/** Every sender's messages: sessions rise, numbers within one go up from 0 by one. */
function judge(app: Life, name: string): Violation[] {
  const violations: Violation[] = [];
  const last = new Map<string, { session: number; count: number }>();
  for (const { from, text } of app.received) {
    const [sender, session, count] = text.split(' ') as [string, string, string];
    const key = `${from} ${sender}`;
    const before = last.get(key) ?? { session: -1, count: -1 };
    const now = { session: Number(session), count: Number(count) };
    const isNext = now.session === before.session ? now.count === before.count + 1 : now.session > before.session;
    const startsAtFirst = now.session === before.session || now.count === 0;
    if (!isNext || !startsAtFirst)
      violations.push({
        checker: 'fifo exactly once',
        message: `${name} heard ${sender} ${session}.${count} after ${before.session}.${before.count}`,
      });
    last.set(key, now);
  }
  return violations;
}

/** In the calm, everything is brought out. */
function unsent(app: Life, name: string): Violation[] {
  return app.links
    .stats()
    .peers.filter(({ queuedBytes }) => queuedBytes > 0)
    .map(({ peer, queuedBytes }) => ({ checker: 'liveness', message: `${name} holds ${queuedBytes} for ${peer}` }));
}

/** In the calm, the last that was sent is the last that was heard. */
function unheard({ life: sender, session, count }: Sent, app: Life, from: Address): Violation[] {
  if (count === 0) return [];
  const heard = app.received.findLast((message) => message.from === from && message.text.startsWith(`${sender} `));
  if (heard?.text.startsWith(`${sender} ${session} ${count - 1} `)) return [];
  return [{ checker: 'validity', message: `${sender} ${session}.${count - 1} is missing, last is ${heard?.text}` }];
}

function happened(lives: readonly Life[]): Record<string, number> {
  const all = lives.flatMap(({ log }) => log);
  const peers = lives.flatMap(({ links }) => links.stats().peers);
  return {
    messages: all.filter((line) => line.includes('|')).length,
    resets: all.filter((line) => line.endsWith(' reset')).length,
    silent: all.filter((line) => line.endsWith(' silent')).length,
    retransmits: peers.reduce((sum, { retransmits }) => sum + retransmits, 0),
    timeouts: peers.reduce((sum, { timeouts }) => sum + timeouts, 0),
  };
}

const [from, to] = (process.env['LINK_SEEDS'] ?? '1-30').split('-').map(Number) as [number, number];

test('each life hears each life in order and once, through loss, crashes and partitions', async () => {
  const report = await runSeeds({
    from,
    to,
    repeatEvery: 10,
    run: storm,
    replay: (seed) => `LINK_SEEDS=${seed}-${seed} npx vitest run packages/link/test/storm.test.ts`,
  });
  if (process.env['LINK_SEEDS'] !== undefined) console.log(report.seedCount, report.counts);
  assertSeeds(report, {
    mustHappen: ['messages', 'resets', 'silent', 'retransmits', 'timeouts', 'crash', 'partition'],
  });
  expect(report.failures).toEqual([]);
}, 600_000);
