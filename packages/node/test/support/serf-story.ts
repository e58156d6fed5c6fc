import { setTimeout as pause } from 'node:timers/promises';
import type { SerfAgent } from './serf-agent.ts';
import type { MixedCluster } from './serf-cluster.ts';
import { exchangeCoalesced, exchangeEvents, exchangeQueries, exchangeTags, measureDistances } from './serf-exchange.ts';
import { claimName, forceLeave, killAndReturn, leaveAndReturn, loseDatagrams, type Detection } from './serf-faults.ts';
import { rotateKeys } from './serf-keys.ts';
import type { GrpNode } from './serf-node.ts';

type Counted =
  | 'tagChanges'
  | 'events'
  | 'bundledEvents'
  | 'queries'
  | 'queriesRepeated'
  | 'answers'
  | 'keyRotations'
  | 'keysRepeated'
  | 'leaves'
  | 'forced';

/** What a story has measured and counted; it fills while the story is told. */
export interface Findings {
  readonly detections: Detection[];
  readonly counts: Record<Counted, number>;
  /** Step → how often it was done, and how long it took in all. */
  readonly steps: Record<string, { times: number; ms: number }>;
}

export interface StoryContext {
  readonly cluster: MixedCluster;
  readonly findings: Findings;
  /** Tells this round's names from those of others. */
  readonly round: string;
  readonly note?: (text: string) => void;
}

export function noFindings(): Findings {
  const talk = { tagChanges: 0, events: 0, bundledEvents: 0, queries: 0, queriesRepeated: 0, answers: 0 };
  return { detections: [], counts: { ...talk, keyRotations: 0, keysRepeated: 0, leaves: 0, forced: 0 }, steps: {} };
}

/** Everything members say to each other while all are well. */
export async function exchanges(context: StoryContext): Promise<void> {
  const { cluster, findings, round } = context;
  const { counts } = findings;
  await Promise.all([
    step(context, 'tags', async () => {
      counts.tagChanges += await exchangeTags(cluster, round);
    }),
    step(context, 'events', async () => {
      counts.events += await exchangeEvents(cluster, round);
      counts.bundledEvents += await exchangeCoalesced(cluster, round);
    }),
    step(context, 'queries', async () => {
      const { asked, answers, repeated } = await exchangeQueries(cluster, round);
      counts.queries += asked;
      counts.answers += answers;
      counts.queriesRepeated += repeated;
    }),
    step(context, 'distances', () => measureDistances(cluster)),
  ]);
  if (cluster.key === undefined) return;
  await step(context, 'keys', async () => {
    counts.keysRepeated += await rotateKeys(cluster);
  });
  counts.keyRotations += 2;
}

/** Nothing happens, for so long: nobody may as much as be suspected for long. */
export async function quiet(context: StoryContext, forMs: number): Promise<void> {
  await step(context, 'quiet', () => pause(forMs));
}

/** Our nodes lose 5 % of their datagrams each way, and the events get through all the same. */
export async function loss(context: StoryContext, forMs: number): Promise<void> {
  const { cluster, findings, round } = context;
  await step(context, 'loss', async () => {
    const [events] = await Promise.all([exchangeEvents(cluster, `${round}-loss`), loseDatagrams(cluster, 0.05, forMs)]);
    findings.counts.events += events;
  });
}

/** Members of each kind are killed, leave, are forced out, and come back; `turn` says whose turn it is. */
export async function departures(context: StoryContext, turn: number): Promise<void> {
  const { cluster, findings } = context;
  const { counts, detections } = findings;
  const agent = (offset: number): SerfAgent => cluster.agents[(turn + offset) % 3] as SerfAgent;
  const node = (offset: number): GrpNode => cluster.nodes[(turn + offset) % 3] as GrpNode;
  await step(context, 'claim a name', () => claimName(cluster));
  await step(context, 'kill a grp node', async () => void detections.push(await killAndReturn(cluster, node(1))));
  await step(context, 'kill an agent', async () => void detections.push(await killAndReturn(cluster, agent(1))));
  await step(context, 'leave', () =>
    turn % 2 === 0 ? leaveAndReturn(cluster, node(2), agent(2)) : leaveAndReturn(cluster, agent(2), node(2)),
  );
  counts.leaves += 2;
  const [victim, prune] = turn % 2 === 0 ? [node(1), false] : [agent(1), true];
  await step(context, `force-leave${prune ? ' -prune' : ''}`, async () => {
    detections.push(await forceLeave(cluster, victim, { prune }));
  });
  counts.forced++;
}

/** Does one step and times it. @throws Error that says in which step */
async function step({ findings, note, round }: StoryContext, name: string, run: () => Promise<void>): Promise<void> {
  const at = performance.now();
  try {
    await run();
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${name} (round ${round}): ${said}`, { cause });
  }
  const ms = Math.round(performance.now() - at);
  const done = (findings.steps[name] ??= { times: 0, ms: 0 });
  done.times++;
  done.ms += ms;
  note?.(`${name}: ${ms} ms`);
}
