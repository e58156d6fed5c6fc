import type { Plan, Step } from './gms/levels/plan.ts';

/** A lesson: something that happens to a group, and what each level makes of it. */
export interface LabScenario {
  readonly name: string;
  /** The level that it was made for: the one that fails, or the last one. */
  readonly level: string;
  /** The seed for which the expectations hold exactly. */
  readonly seed: number;
  /** To think about before the run. */
  readonly question: string;
  /** The answer. */
  readonly explanation: string;
  readonly plan: Plan;
  /** The checkers that fail, by level; none under a level that is right here. */
  readonly expect: Readonly<Record<string, readonly string[]>>;
}

const delayMs = [2, 8] as const;
const settleMs = 2_000;

function multicast(at: number, node: string, count: number, everyMs: number): Step {
  return { type: 'multicast', at, node, count, everyMs };
}

/** Each of these workers asks for `count` changes. */
function all(at: number, nodes: readonly string[], count: number, everyMs: number): readonly Step[] {
  return nodes.map((node) => multicast(at, node, count, everyMs));
}

const four = ['n1', 'n2', 'n3', 'n4'];
const rest = ['n2', 'n3', 'n4'];

/** Every scenario of `grp lab run`, in the order of teaching. The name begins with the highest level that it breaks. */
export const labScenarios: readonly LabScenario[] = [
  {
    name: 'gms1-calm',
    level: 'gms1',
    seed: 1,
    question:
      'Four workers ask for changes at the same time, and a change in another order gives another colour. Who decides the order, and what does it cost?',
    explanation:
      'The leader n1 does: everybody sends to it, and it sends to everybody, n messages for one change. As links are FIFO, all deliver what n1 sends in its order. Nothing goes wrong at any level while nobody dies and nothing is lost.',
    plan: { founders: 4, settleMs, delayMs, steps: all(0, four, 3, 30) },
    expect: { gms1: [], gms2: [], gms3: [], gms4: [], full: [] },
  },
  {
    name: 'gms1-crash',
    level: 'gms1',
    seed: 1,
    question: 'The leader dies while nothing is under way. What do the others need so that they can go on?',
    explanation:
      'Under gms1 nothing is ever delivered again: all requests go to a dead process. From gms2 on the next in the list of members takes over. They need no vote for it, because all have the same list in the same order, and a detector that does not err.',
    plan: {
      founders: 4,
      settleMs,
      delayMs,
      steps: [...all(0, four, 1, 30), { type: 'crash', at: 100, node: 'n1' }, ...all(200, rest, 2, 30)],
    },
    expect: { gms1: ['validity', 'liveness after faults stop'], gms2: [], gms3: [], gms4: [], full: [] },
  },
  {
    name: 'gms2-crash',
    level: 'gms2',
    seed: 1,
    question:
      'The leader dies in the middle of a multicast: n2 has been sent the message, n3 and n4 have not. What do the three colours look like after the election?',
    explanation:
      'Under gms2 n2 shows another colour than n3 and n4 from then on, and no later change mends it. The new leader n2 has the message but sends nothing of the old leader again. From gms3 on each member keeps the last message, the new leader sends it once more, and who has it already knows by its number. The default protocol agrees on a cut: all that any survivor holds is sent to all survivors before the new view.',
    plan: {
      founders: 4,
      settleMs,
      delayMs,
      steps: [
        multicast(0, 'n1', 3, 30),
        { type: 'crash-after-sends', at: 0, node: 'n1', sends: 7 },
        ...all(200, rest, 1, 30),
      ],
    },
    expect: {
      gms1: ['validity', 'virtual synchrony', 'liveness after faults stop'],
      gms2: ['virtual synchrony', 'causal order'],
      gms3: [],
      gms4: [],
      full: [],
    },
  },
  {
    name: 'gms3-request',
    level: 'gms3',
    seed: 1,
    question: 'n3 asks for a change, and the leader dies while the request is on its way. Who could still know of it?',
    explanation:
      'Only n3 itself, and under gms2 and gms3 it does not look back: the change is lost, though its sender lives and nobody is told. A sender must keep a message until it has delivered it itself, send it again to the new leader in order, and the leader must know it from one that was numbered already. gms4 and the default protocol do so, by sender and count.',
    plan: {
      founders: 4,
      settleMs,
      delayMs,
      steps: [
        multicast(0, 'n3', 1, 30),
        multicast(100, 'n3', 1, 1),
        { type: 'crash', at: 101.5, node: 'n1' },
        ...all(200, rest, 1, 30),
      ],
    },
    expect: {
      gms1: ['validity', 'liveness after faults stop'],
      gms2: ['validity', 'FIFO order', 'liveness after faults stop'],
      gms3: ['validity', 'FIFO order', 'liveness after faults stop'],
      gms4: [],
      full: [],
    },
  },
  {
    name: 'gms3-loss',
    level: 'gms3',
    seed: 4,
    question: 'One message of a hundred is lost, and nobody dies. What happens to a member that misses one number?',
    explanation:
      'Under gms2 it goes on without the change, and its colour is wrong for ever. Under gms3 it waits for the missing number and shows an old colour for ever, because nobody sends it again. gms4 acknowledges numbers and repeats what is not acknowledged.',
    plan: {
      founders: 4,
      settleMs,
      delayMs,
      steps: [{ type: 'loss', at: 0, share: 0.01 }, ...all(0, four, 15, 20)],
    },
    expect: {
      gms1: ['validity', 'virtual synchrony', 'FIFO order', 'causal order', 'liveness after faults stop'],
      gms2: ['validity', 'virtual synchrony', 'FIFO order', 'causal order', 'liveness after faults stop'],
      gms3: ['validity', 'virtual synchrony', 'liveness after faults stop'],
      gms4: [],
      full: [],
    },
  },
  {
    name: 'gms4-takeover',
    level: 'gms4',
    seed: 3,
    question:
      'Links lose, and the leader dies before it has repeated what was lost. Is it enough that the new leader sends the last message again?',
    explanation:
      'No: what is missing may be older than the last message, and the new leader itself may be the one that misses something; then it gives out a number for the second time. Everybody has to keep each message until it is known that all have it (until it is stable), and before a new view the survivors must tell each other what they hold.',
    plan: {
      founders: 4,
      settleMs,
      delayMs,
      steps: [
        { type: 'loss', at: 0, share: 0.25 },
        multicast(0, 'n1', 4, 10),
        { type: 'loss', at: 45, share: 0 },
        { type: 'crash', at: 60, node: 'n1' },
        ...all(200, rest, 1, 30),
      ],
    },
    expect: {
      gms1: ['validity', 'virtual synchrony', 'FIFO order', 'causal order', 'liveness after faults stop'],
      gms2: ['virtual synchrony', 'FIFO order', 'causal order'],
      gms3: ['validity', 'liveness after faults stop'],
      gms4: [
        'validity',
        'virtual synchrony',
        'total order',
        'FIFO order',
        'causal order',
        'state-transfer cut',
        'liveness after faults stop',
      ],
      full: [],
    },
  },
  {
    name: 'gms4-join',
    level: 'gms4',
    seed: 1,
    question:
      'The leader dies in the middle of the multicast that tells of a new member. The last message is then a view. What happens when the new leader sends this again as it is?',
    explanation:
      'The view says that n1 leads, and the others follow n2 by now: they never take it, and so never get past its number. They are stuck with a leader that lives and works. gms2 survives this, having no numbers. A view must be the result of an agreement about what comes before it, and never be passed on raw.',
    plan: {
      founders: 4,
      settleMs,
      delayMs,
      steps: [
        ...all(0, four, 1, 20),
        { type: 'crash-after-sends', at: 90, node: 'n1', sends: 1 },
        { type: 'join', at: 100, node: 'n5', contact: 'n3' },
        ...all(250, [...rest, 'n5'], 1, 30),
      ],
    },
    expect: {
      gms1: ['validity', 'liveness after faults stop'],
      gms2: [],
      gms3: ['validity', 'liveness after faults stop'],
      gms4: ['validity', 'liveness after faults stop'],
      full: [],
    },
  },
  {
    name: 'gms4-second-crash',
    level: 'gms4',
    seed: 2,
    question:
      'The new leader dies too, in the middle of the multicast of its first view. Nobody joins. Is one election after the other enough?',
    explanation:
      'The same trap as with a join: n3 has the view of the dead n2 as its last message, sends it again, and n4 and n5 wait for ever for a view that they can take. Taking over must be restartable: whoever takes over has to find out what its predecessor had proposed, and finish or replace it under a number of its own.',
    plan: {
      founders: 5,
      settleMs,
      delayMs,
      steps: [
        { type: 'crash', at: 50, node: 'n1' },
        { type: 'crash-after-sends', at: 0, node: 'n2', sends: 1 },
        ...all(250, ['n3', 'n4', 'n5'], 1, 30),
      ],
    },
    expect: {
      gms1: ['validity', 'liveness after faults stop'],
      gms2: [],
      gms3: ['validity', 'liveness after faults stop'],
      gms4: ['validity', 'liveness after faults stop'],
      full: [],
    },
  },
  {
    name: 'gms4-suspicion',
    level: 'gms4',
    seed: 1,
    question:
      'Nobody dies, but the detector of n2 is wrong about n1 for a fifth of a second. How many leaders are there now?',
    explanation:
      'Two, and both give out the same numbers: whichever message comes first under a number is delivered, and the other one is thrown away as a repetition. (gms1 listens to no detector, and so is right here.) A detector over a network cannot be perfect. So messages must carry their view, a new view needs a majority of the last one, and who was left out by mistake must learn it and come back with the state of the others.',
    plan: {
      founders: 4,
      settleMs,
      delayMs,
      steps: [
        ...all(0, four, 5, 30),
        { type: 'suspect', at: 60, node: 'n1', by: ['n2'], lastsMs: 200 },
        ...all(600, four, 1, 30),
      ],
    },
    expect: {
      gms1: [],
      gms2: ['virtual synchrony', 'causal order', 'liveness after faults stop'],
      gms3: ['validity', 'virtual synchrony', 'FIFO order', 'causal order', 'liveness after faults stop'],
      gms4: ['validity', 'virtual synchrony', 'FIFO order', 'causal order', 'liveness after faults stop'],
      full: [],
    },
  },
  {
    name: 'gms4-last-words',
    level: 'gms4',
    seed: 1,
    question:
      'n2 delivers a message and dies, and no survivor has it. The survivors agree with each other. Is anything wrong?',
    explanation:
      'Not by the promise "agreed", which binds those who live. But n2 may have opened a door because of that message. The promise "safe" (uniform agreement) binds the dead as well: nobody delivers before all members of the view are known to hold the message. It costs a second round, and the levels have no such thing.',
    plan: {
      founders: 4,
      settleMs,
      delayMs,
      delivery: 'safe',
      steps: [
        multicast(0, 'n1', 2, 30),
        { type: 'crash-after-sends', at: 0, node: 'n1', sends: 4 },
        { type: 'crash', at: 62, node: 'n2' },
        ...all(250, ['n3', 'n4'], 1, 30),
      ],
    },
    expect: {
      gms1: ['validity', 'uniform agreement', 'liveness after faults stop'],
      gms2: ['uniform agreement'],
      gms3: ['uniform agreement'],
      gms4: ['uniform agreement'],
      full: [],
    },
  },
];
