import type { LabStudy, StudyReport } from '../studies.ts';
import { factOf } from '../study-fact.ts';
import { WatchedRaft } from './watch.ts';

const servers = ['n1', 'n2', 'n3', 'n4', 'n5'];
const priorities = { n1: 1, n2: 2, n3: 3, n4: 4, n5: 5 };

/** Who leads next, and who leads again when it comes back? */
export const priorityStudy: LabStudy = {
  name: 'priority',
  question:
    'Five servers; the leader loses its power, then the next one does, and then both come back. With priorities n5 is wanted before n4, n4 before n3. Who leads after each event, and is the outage longer?',
  explanation:
    'Without priorities whoever wakes first leads, and who comes back follows. With priorities the greatest that is up to date leads: it waits the shortest time before it stands, and a server may refuse a pre-vote to a lesser candidate, for one round and only while it could be elected itself. It never refuses a vote, so that no election fails for it. When a greater one has come back, has the whole log and has been stable for a while, the leader hands over by itself, in one message, without an outage.',
  guess: {
    question: 'Who leads when both are back?',
    options: ['the one that led at first, again', 'the one that leads already'],
    answer: (report) => (factOf(report, 'changes of leader after they came back') === '0' ? 1 : 0),
  },
  seed: 3,
  variant: 'priorities',
  variants: { priorities: 'n5 before n4 before n3 …', none: 'all alike' },
  expect: { priorities: [], none: [] },
  hidden: ['ack', 'heartbeat', 'append', 'read-index-request', 'read-index-response'],
  isKey: ({ label }) => label.startsWith('leader'),
  run,
};

function run(variant: string, seed: number): StudyReport {
  const raft = new WatchedRaft({
    seed,
    nodeCount: servers.length,
    clientCount: 1,
    pauseMs: 200,
    ...(variant === 'priorities' ? { priorities } : { config: { priorityElections: false } }),
  });
  const { run: cluster, tap } = raft;
  const { world } = cluster;
  cluster.until(() => cluster.leader() !== undefined, 5_000, 'the first election');
  // With priorities the wanted leader may be one handover away from the first one.
  world.runFor(6_000);
  const startsAt = world.now - 200;
  const first = cluster.leader() ?? '';
  const outages: number[] = [];
  const lose = (name: string): string => {
    tap.mark(name, 'crash', 'crash');
    cluster.crash(name, 'host');
    outages.push(cluster.until(() => cluster.leader() !== undefined, 5_000, 'an election'));
    world.runFor(2_000);
    return cluster.leader() ?? '';
  };
  const second = lose(first);
  const third = lose(second);
  tap.trouble(`${first} and ${second} come back`);
  const cameBackAt = world.now;
  for (const name of [first, second]) cluster.restart(name);
  world.runFor(10_000);
  const last = cluster.leader() ?? '';
  const handovers = raft.leaders.filter(({ at }) => at >= cameBackAt);
  cluster.settle(20_000);
  const { violations, traceHash } = cluster.finish();
  return {
    variant,
    seed,
    traceHash,
    violations,
    facts: [
      { what: 'leads at first', value: first },
      { what: `after the crash of ${first}`, value: second },
      { what: `after the crash of ${second}`, value: third },
      { what: 'when both are back', value: last },
      { what: 'changes of leader after they came back', value: String(handovers.length) },
      { what: 'longest time without a leader', value: `${Math.round(Math.max(...outages))} ms` },
    ],
    trace: tap.trace(`priority, ${variant}, seed ${seed}`, startsAt),
  };
}
