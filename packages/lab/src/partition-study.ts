import { encodeMapCommand } from '@grp/raft';
import { runLevel } from './gms/levels/levels.ts';
import type { Plan, Step } from './gms/levels/plan.ts';
import { WatchedRaft } from './raft/watch.ts';
import type { LabStudy, StudyReport } from './studies.ts';
import { factOf } from './study-fact.ts';
import { WatchedSwim } from './swim/watch.ts';
import { inOrder, lanesOf } from './trace/trace.ts';

const few = ['n1', 'n2'];
const many = ['n3', 'n4', 'n5'];
const splitMs = 20_000;

/** The same cut, under a membership, a group and a log. */
export const partitionStudy: LabStudy = {
  name: 'partition',
  question:
    'Five nodes; a cable is pulled between {n1, n2} and {n3, n4, n5}, and put back after 20 s. Which side goes on: under a membership (swim), under a group with views (gms), under a replicated log (raft)? What do the two nodes know afterwards?',
  explanation:
    'swim goes on on both sides: each list drops the others, and lists may differ, for a list promises nothing but to become right again. The side that dropped a member keeps asking for it, so that both find each other within seconds of the repair. gms and raft promise one row of messages, so only the side with a majority goes on. The two members of the group are blocked, say so, and come back with the state of the others; the two servers elect nobody, accept nothing, and take over what they missed from the log. What n1 asked for just after the cut is delivered after the repair, to all; a little later it would have been refused. Nothing that was confirmed is lost: the two simply confirm nothing.',
  guess: {
    question: 'Which side goes on while the cable is out?',
    options: ['both', 'the greater one', 'neither'],
    answer: (report) => {
      const few = factOf(report, 'delivered by n1') || factOf(report, 'writes confirmed by n1 and n2');
      return few === '' ? 0 : few === '0' ? 1 : 2;
    },
  },
  seed: 1,
  variant: 'swim',
  variants: {
    swim: 'a membership: both sides go on',
    gms: 'a group: the majority goes on',
    raft: 'a log: the majority goes on',
  },
  expect: { swim: [], gms: [], raft: [] },
  hidden: ['ack', 'nack', 'ping', 'relay-ping', 'heartbeat', 'alive', 'compound', 'link', 'vote', 'other'],
  run: (variant, seed) =>
    variant === 'gms' ? groupSplit(seed) : variant === 'raft' ? logSplit(seed) : listSplit(seed),
};

function listSplit(seed: number): StudyReport {
  const swim = new WatchedSwim({ seed, nodeCount: few.length + many.length });
  const { world, tap } = swim;
  swim.converge(30_000);
  world.runFor(5_000);
  const startsAt = world.now;
  tap.trouble('the cable is pulled');
  world.network.partition(few, many);
  world.runFor(splitMs);
  const [mine, theirs] = [swim.listOf('n1'), swim.listOf('n3')];
  tap.trouble('the cable is back');
  world.network.heal();
  const tookMs = swim.converge(20_000);
  world.runFor(500);
  return {
    variant: 'swim',
    seed,
    traceHash: world.traceHash(),
    violations: tookMs < 20_000 ? [] : [{ checker: 'agreement', message: 'the lists did not become one again' }],
    facts: [
      { what: 'living in the list of n1, while cut', value: mine },
      { what: 'living in the list of n3, while cut', value: theirs },
      { what: 'living in the list of n1, at the end', value: swim.listOf('n1') },
      { what: 'one list again after', value: `${(tookMs / 1_000).toFixed(1)} s` },
    ],
    trace: tap.trace(`partition, swim, seed ${seed}`, startsAt),
  };
}

const cutAt = 300;
const healAt = 3_300;

/** Detectors suspect whom they do not hear, 400 ms after the cut, and trust them again after the repair. */
function groupPlan(): Plan {
  const say = (at: number, node: string): Step => ({ type: 'multicast', at, node, count: 3, everyMs: 300 });
  const doubt = (by: readonly string[], nodes: readonly string[]): readonly Step[] =>
    nodes.map((node) => ({ type: 'suspect', at: cutAt + 400, node, by, lastsMs: healAt - cutAt - 200 }));
  const steps: readonly Step[] = [
    say(0, 'n3'),
    { type: 'partition', at: cutAt, sides: [few, many] },
    ...doubt(few, many),
    ...doubt(many, few),
    // n1 leads and does not know yet; a little later it would refuse: GMS_NO_QUORUM.
    { type: 'multicast', at: cutAt + 20, node: 'n1', count: 3, everyMs: 50 },
    say(cutAt + 1_200, 'n3'),
    { type: 'heal', at: healAt },
    say(healAt + 1_500, 'n4'),
  ];
  return { founders: few.length + many.length, settleMs: 4_000, delayMs: [2, 8], steps };
}

async function groupSplit(seed: number): Promise<StudyReport> {
  const report = await runLevel(groupPlan(), 'full', seed);
  const { events, workers } = report;
  const delivered = (lane: string): number =>
    events.filter(
      (event) =>
        event.type === 'mark' &&
        event.mark === 'deliver' &&
        event.lane === lane &&
        event.at > cutAt + 1_000 &&
        event.at < healAt,
    ).length;
  const [n1, n3] = ['n1', 'n3'].map((name) => workers.find(({ node }) => node === name));
  const ordered = inOrder(events);
  return {
    variant: 'gms',
    seed,
    traceHash: report.traceHash,
    violations: report.violations,
    facts: [
      { what: 'delivered by n1 while cut', value: String(delivered('n1')) },
      { what: 'delivered by n3 while cut', value: String(delivered('n3')) },
      { what: 'members of the last view', value: n3?.view?.members.join(' ') ?? 'none' },
      { what: 'colours of n1 and n3 at the end', value: `${n1?.colour ?? '?'} ${n3?.colour ?? '?'}` },
      { what: 'own messages of n1 never delivered', value: String(report.figures.lostOwn) },
    ],
    trace: {
      title: `partition, gms, seed ${seed}`,
      origin: 'simulation',
      lanes: lanesOf(ordered, [...few, ...many]),
      events: ordered,
      operations: [],
      omittedCount: 0,
    },
  };
}

function logSplit(seed: number): StudyReport {
  const priorities = { n1: 5, n2: 4, n3: 3, n4: 2, n5: 1 }; // so that the leader is on the smaller side
  const { run, tap, leaders } = new WatchedRaft({ seed, nodeCount: 5, clientCount: 0, priorities });
  const { world } = run;
  run.until(() => run.leader() === 'n1', 30_000, 'the election of n1');
  world.runFor(3_000);
  const startsAt = world.now;
  const accepted = { few: 0, many: 0 };
  const write = (name: string, side: 'few' | 'many', value: string): void => {
    const command = encodeMapCommand({ type: 'put', key: 'colour', value });
    const payload = { type: 'command', session: 0, sequence: 0, acknowledged: 0, command } as const;
    tap.mark(name, 'send', value);
    world.node(name).replica.propose(payload, ({ type }) => {
      if (type !== 'done') return;
      tap.mark(name, 'deliver', value);
      if (world.now < healsAt) accepted[side]++;
    });
  };
  const healsAt = startsAt + splitMs;
  tap.trouble('the cable is pulled');
  world.network.partition(few, many);
  world.runFor(100);
  write('n1', 'few', 'red'); // it leads, as far as it knows
  run.until(() => many.includes(leaderOf(many) ?? ''), 10_000, 'an election on the greater side');
  const other = leaderOf(many) ?? '';
  world.runFor(1_000);
  write(other, 'many', 'blue');
  world.runFor(healsAt - world.now);
  const still = few.filter((name) => world.node(name).isLeader);
  tap.trouble('the cable is back');
  world.network.heal();
  world.runFor(15_000);
  run.settle(20_000);
  const { violations, traceHash } = run.finish();
  const value = (name: string): string => world.node(name).map.get('colour') ?? 'nothing';
  return {
    variant: 'raft',
    seed,
    traceHash,
    violations,
    facts: [
      { what: 'writes confirmed by n1 and n2 while cut', value: String(accepted.few) },
      { what: `writes confirmed by ${other}, the new leader`, value: String(accepted.many) },
      { what: 'leaders among n1 and n2 at the end of the cut', value: String(still.length) },
      { what: 'colour at n1 and at n3 at the end', value: `${value('n1')} ${value('n3')}` },
      { what: 'elections', value: String(leaders.length) },
    ],
    trace: tap.trace(`partition, raft, seed ${seed}`, startsAt),
  };

  function leaderOf(side: readonly string[]): string | undefined {
    return side.find((name) => world.node(name).isLeader);
  }
}
