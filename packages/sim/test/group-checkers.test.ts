// A good run passes every checker; then each checker fails on a run that breaks its property and nothing else of note.
import { describe, expect, test } from 'vitest';
import { groupCheckers, History, type GroupCheckersOptions, type GroupEvent } from '../src/index.ts';

type Plain = GroupEvent extends infer Event ? (Event extends GroupEvent ? Omit<Event, 'at'> : never) : never;

function judge(events: readonly Plain[], options?: GroupCheckersOptions): Readonly<Record<string, readonly string[]>> {
  const history = new History<GroupEvent>({ checkers: groupCheckers(options) });
  for (const [at, event] of events.entries()) history.record({ ...event, at });
  const found: Record<string, string[]> = {};
  for (const { checker, message } of history.finish()) (found[checker] ??= []).push(message);
  return found;
}

const start = (node: string): Plain => ({ type: 'start', node });
const send = (message: string, payload = 1): Plain => ({ type: 'send', node: message.slice(0, 2), message, payload });
const install = (node: string, id: number, ...members: string[]): Plain => ({
  type: 'install',
  node,
  view: { id, members },
});
const deliver = (node: string, message: string, view: number, sequence?: number, digest?: string): Plain => ({
  type: 'deliver',
  node,
  message,
  sender: message.slice(0, 2),
  view,
  payload: 1,
  ...(sequence !== undefined && { sequence }),
  ...(digest !== undefined && { digest }),
});
const state = (node: string, view: number, sequence: number, digest: string): Plain => ({
  type: 'state',
  node,
  view,
  sequence,
  digest,
});
const order = (node: string, view: number): Plain => ({ type: 'order', node, view });
const end = (type: 'crash' | 'leave' | 'exclude', node: string): Plain => ({ type, node });
const calm: Plain = { type: 'calm' };

const all = ['n1', 'n2', 'n3'];
const opening = [...all.map(start), ...all.map((node) => install(node, 1, ...all))];
const everywhere = (message: string, view: number, sequence: number, at = all): Plain[] =>
  at.map((node) => deliver(node, message, view, sequence, `s${sequence}`));

const good: readonly Plain[] = [
  ...opening,
  order('n1', 1),
  send('n2-1'),
  send('n3-1'),
  ...everywhere('n2-1', 1, 1),
  send('n2-2'),
  ...everywhere('n3-1', 1, 2),
  // The leader dies, and with it what only it has delivered. Its number goes to another message.
  deliver('n1', 'n2-2', 1, 3, 'lost'),
  end('crash', 'n1'),
  install('n2', 2, 'n2', 'n3'),
  install('n3', 2, 'n2', 'n3'),
  order('n2', 2),
  send('n3-2'),
  ...everywhere('n3-2', 2, 3, ['n2', 'n3']),
  ...everywhere('n2-2', 2, 4, ['n2', 'n3']),
  // Somebody joins with the state after 4, is left out by mistake, and comes back with a later one.
  start('n4'),
  ...['n2', 'n3', 'n4'].map((node) => install(node, 3, 'n2', 'n3', 'n4')),
  state('n4', 3, 4, 's4'),
  send('n4-1'),
  ...everywhere('n4-1', 3, 5, ['n2', 'n3', 'n4']),
  ...['n2', 'n3'].map((node) => install(node, 4, 'n2', 'n3')),
  end('exclude', 'n4'),
  send('n2-3'),
  ...everywhere('n2-3', 4, 6, ['n2', 'n3']),
  ...['n2', 'n3', 'n4'].map((node) => install(node, 5, 'n2', 'n3', 'n4')),
  state('n4', 5, 6, 's6'),
  calm,
  send('n4-2'),
  ...everywhere('n4-2', 5, 7, ['n2', 'n3', 'n4']),
  // One leaves in good order.
  end('leave', 'n3'),
  ...['n2', 'n4'].map((node) => install(node, 6, 'n2', 'n4')),
];

test('a run that keeps all promises of `agreed` is found so', () => {
  expect(judge(good)).toEqual({});
});

test('under `safe` the same run breaks its promise, because the dead delivered what the others did not', () => {
  expect(judge(good, { delivery: 'safe' })).toMatchObject({
    'uniform agreement': ['n1 delivered n2-2 in view 1; n2 left it alive and never did.', expect.any(String)],
    'total order': expect.arrayContaining([expect.stringContaining('Place 3 is n2-2 at n1 and n3-2 at n2')]),
  });
});

const ending = [calm];
const twoSent = [...opening, send('n1-1'), send('n2-1')];

type Case = [checker: string, message: string, events: readonly Plain[], options?: GroupCheckersOptions];
const broken: readonly Case[] = [
  [
    'integrity',
    'n2 delivered n1-1 twice.',
    [...twoSent, ...everywhere('n1-1', 1, 1), deliver('n2', 'n1-1', 1, 2), ...ending],
  ],
  ['integrity', 'n2 delivered n3-9, which nobody had sent.', [...opening, deliver('n2', 'n3-9', 1), ...ending]],
  [
    'integrity',
    'n2 delivered n1-1 with other bytes than n1 had sent.',
    [...opening, send('n1-1', 2), deliver('n2', 'n1-1', 1), ...ending],
  ],
  [
    'integrity',
    'n2 delivered n1-1 as if from n3; n1 sent it.',
    [...twoSent, { ...deliver('n2', 'n1-1', 1), sender: 'n3' } as Plain, ...ending],
  ],
  ['integrity', 'n1-1 was sent twice.', [...twoSent, send('n1-1'), ...ending]],
  [
    'validity',
    'n2 sent n2-1 and never delivered it itself, nor 1 more of its own.',
    [...twoSent, send('n2-2'), ...everywhere('n1-1', 1, 1), ...ending],
  ],
  [
    'virtual synchrony',
    'n2 and n3 went together from view 1 to view 2, and in view 1 only n2 delivered n1-1; n3 never did there.',
    [
      ...opening,
      send('n1-1'),
      deliver('n2', 'n1-1', 1, 1),
      end('crash', 'n1'),
      install('n2', 2, 'n2', 'n3'),
      install('n3', 2, 'n2', 'n3'),
      ...ending,
    ],
  ],
  [
    'virtual synchrony',
    'n1 and n2 were in view 1 at the end, and only n2 delivered n1-1; n1 never did there.',
    [...opening, send('n1-1'), deliver('n2', 'n1-1', 1, 1), deliver('n3', 'n1-1', 1, 1), ...ending],
  ],
  [
    'uniform agreement',
    'n1 delivered n1-1 in view 1; n2 left it alive and never did.',
    [
      ...opening,
      send('n1-1'),
      deliver('n1', 'n1-1', 1, 1),
      end('crash', 'n1'),
      install('n2', 2, 'n2', 'n3'),
      install('n3', 2, 'n2', 'n3'),
      ...ending,
    ],
    { delivery: 'safe' },
  ],
  [
    'total order',
    'n2 delivered n2-1 before n1-1 (its number 2), and n1 n1-1 (its number 1) before n2-1.',
    [
      ...twoSent,
      ...['n1-1', 'n2-1'].flatMap((message) => ['n1', 'n3'].map((node) => deliver(node, message, 1))),
      deliver('n2', 'n2-1', 1),
      deliver('n2', 'n1-1', 1),
      ...ending,
    ],
  ],
  [
    'total order',
    'Place 1 is n1-1 at n1 and n2-1 at n2.',
    [...twoSent, deliver('n1', 'n1-1', 1, 1), deliver('n2', 'n2-1', 1, 1), ...ending],
  ],
  [
    'no gaps',
    'n2 came to n2-1 at place 3; 2 was the next.',
    [...twoSent, ...everywhere('n1-1', 1, 1), deliver('n2', 'n2-1', 1, 3), ...ending],
  ],
  [
    'no gaps',
    'n3 came to n1-1 at place 6; 5 was the next.',
    [...twoSent, state('n3', 1, 4, 'x'), deliver('n3', 'n1-1', 1, 6), ...ending],
  ],
  [
    'FIFO order',
    'n3 delivered n1-1 after n1-2, which n1 sent later.',
    [...opening, send('n1-1'), send('n1-2'), deliver('n3', 'n1-2', 1), deliver('n3', 'n1-1', 1), ...ending],
  ],
  [
    'FIFO order',
    'n3 delivered n1-2 of n1 without n1-1, which came before.',
    [...opening, send('n1-1'), send('n1-2'), deliver('n3', 'n1-2', 1), ...ending],
  ],
  [
    'FIFO order',
    'n3 delivered n1-3 of n1 without n1-2, which came before.',
    [
      ...opening,
      ...['n1-1', 'n1-2', 'n1-3'].map((message) => send(message)),
      deliver('n3', 'n1-1', 1),
      deliver('n3', 'n1-3', 1),
      ...ending,
    ],
  ],
  [
    'causal order',
    'n3 delivered n2-1 before n1-1, which n2 had delivered when it sent n2-1.',
    [...opening, send('n1-1'), deliver('n2', 'n1-1', 1), send('n2-1'), deliver('n3', 'n2-1', 1), ...ending],
  ],
  [
    'same-view delivery',
    'n2 delivered n1-1 as of view 2 while in view 1.',
    [...opening, send('n1-1'), deliver('n2', 'n1-1', 2), ...ending],
  ],
  [
    'same-view delivery',
    'n1-1 was delivered in view 1 at n2 and in 2 at n3.',
    [
      ...opening,
      send('n1-1'),
      deliver('n2', 'n1-1', 1),
      ...all.map((node) => install(node, 2, ...all)),
      deliver('n3', 'n1-1', 2),
      ...ending,
    ],
  ],
  [
    'view agreement',
    'View 2 is n1, n2, n3 at n1 and n2, n1, n3 at n2.',
    [...opening, install('n1', 2, ...all), install('n2', 2, 'n2', 'n1', 'n3'), ...ending],
  ],
  ['view agreement', 'n1 installed view 1 after 2.', [...opening, install('n1', 2, ...all), install('n1', 1, ...all)]],
  ['view agreement', 'n1 installed view 2 of n2, n3, without itself.', [...opening, install('n1', 2, 'n2', 'n3')]],
  [
    'view agreement',
    'n4 delivered n1-1 before its first view.',
    [...twoSent, deliver('n4', 'n1-1', 1), end('crash', 'n4')],
  ],
  [
    'primary uniqueness',
    'n1 went from view 1 to view 2 with 1 of its 3 members.',
    [...opening, install('n1', 2, 'n1')],
  ],
  [
    'primary uniqueness',
    'n4 founded a group with view 7; n1 had founded one with view 1.',
    [...opening, install('n4', 7, 'n4')],
  ],
  [
    'state-transfer cut',
    'n3 received the state red after message 1, where n1 was in blue.',
    [
      start('n1'),
      install('n1', 1, 'n1'),
      send('n1-1'),
      deliver('n1', 'n1-1', 1, 1, 'blue'),
      install('n1', 2, 'n1', 'n3'),
      install('n3', 2, 'n1', 'n3'),
      state('n3', 2, 1, 'red'),
      ...ending,
    ],
  ],
  [
    'single leader per view',
    'n1 and n2 both ordered messages in view 1.',
    [...opening, order('n1', 1), order('n2', 1), order('n2', 1), ...ending],
  ],
  [
    'single leader per view',
    'n2 ordered messages in view 1, which n1 leads.',
    [start('n1'), { type: 'install', node: 'n1', view: { id: 1, members: all, leader: 'n1' } }, order('n2', 1)],
  ],
  ['liveness after faults stop', 'The faults never stopped: there is no calm in this run.', opening],
  ['liveness after faults stop', 'n4 never came into the group.', [...opening, start('n4'), ...ending]],
  [
    'liveness after faults stop',
    'n3 stayed behind in view 1; view 2 is the last.',
    [...opening, install('n1', 2, ...all), install('n2', 2, ...all), ...ending],
  ],
  [
    'liveness after faults stop',
    'n2 ended in view 1 of n1, n2, n3; n2, n3 live.',
    [...opening, end('crash', 'n1'), ...ending],
  ],
  [
    'liveness after faults stop',
    'n3 never delivered n1-1 of n1, nor 1 more.',
    [...twoSent, ...ending, ...['n1', 'n2'].flatMap((node) => ['n1-1', 'n2-1'].map((m) => deliver(node, m, 1)))],
  ],
  [
    'liveness after faults stop',
    'n1 came to the last view only 6 ms after the faults.',
    [start('n1'), calm, ...Array.from({ length: 5 }, () => start('n1')), install('n1', 1, 'n1')],
    { withinMs: 5 },
  ],
];

describe('each checker fails on a run that breaks its property', () => {
  test.each(broken)('%s: %s', (checker, message, events, options?: GroupCheckersOptions) => {
    expect(judge(events, options)[checker]).toContain(message);
  });
});

test('what only the dead and the excluded delivered binds nobody under `agreed`', () => {
  const events = [
    ...twoSent,
    deliver('n1', 'n2-1', 1, 1, 'a'),
    deliver('n1', 'n1-1', 1, 2, 'b'),
    ...['n2', 'n3'].map((node) => install(node, 2, 'n2', 'n3')),
    ...everywhere('n1-1', 2, 1, ['n2', 'n3']),
    ...everywhere('n2-1', 2, 2, ['n2', 'n3']),
    end('exclude', 'n1'),
    ...['n2', 'n3', 'n1'].map((node) => install(node, 3, 'n2', 'n3', 'n1')),
    state('n1', 3, 2, 's2'),
    calm,
  ];
  expect(judge(events)).toEqual({});
});

test('a group may go on with a minority where detectors are perfect, and half of it may leave in good order', () => {
  const alone = [...opening, end('crash', 'n2'), end('crash', 'n3'), install('n1', 2, 'n1'), calm];
  expect(judge(alone, { quorum: 'none' })).toEqual({});
  const left = [...opening, end('leave', 'n2'), end('leave', 'n3'), install('n1', 2, 'n1'), calm];
  expect(judge(left)).toEqual({});
});

test('each checker keeps its first 20 violations', () => {
  const events = [...opening, ...Array.from({ length: 50 }, (_, number) => deliver('n1', `n2-${number}`, 1)), calm];
  expect(judge(events)['integrity']).toHaveLength(20);
});

test('a run of 20,000 events is judged in well under a second', () => {
  const members = Array.from({ length: 5 }, (_, index) => `n${index + 1}`);
  const events = members.map((node) => install(node, 1, ...members));
  for (let number = 1; number <= 3_333; number++) {
    const message = `${String(members[number % 5])}-${number}`;
    events.push(send(message), ...everywhere(message, 1, number, members));
  }
  expect(judge([...events, calm])).toEqual({});
}, 2_000);
