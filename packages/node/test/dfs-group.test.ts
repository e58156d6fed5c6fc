import type { Configuration } from '@grp/raft';
import { expect, test } from 'vitest';
import { nextSteps, type GroupSituation } from '../src/dfs/group-steps.ts';

const address = (name: string): string => `${name}:1`;

interface Story {
  readonly voters: readonly string[];
  readonly learners?: readonly string[];
  readonly outgoing?: readonly string[];
  /** Ids of the servers that run; the node is what stands before the dot. */
  readonly running: readonly string[];
  readonly lost?: readonly string[];
  readonly behind?: readonly string[];
  readonly wanted?: number;
}

function stepsOf({ voters, learners = [], outgoing = [], running, lost = [], behind = [], wanted = 3 }: Story) {
  const addresses = Object.fromEntries([...voters, ...learners].map((id) => [id, address(id)]));
  const configuration: Configuration = { voters, learners, outgoing, addresses };
  const situation: GroupSituation = {
    configuration,
    running: running.map((id) => ({ id, name: id.split('.')[0] as string, address: address(id) })),
    lost: new Set(lost),
    votersWanted: wanted,
    hasCaughtUp: (id) => !behind.includes(id),
  };
  return nextSteps(situation).map(({ type, id }) => `${type} ${id}`);
}

const [d, e] = ['d.00000001', 'e.00000002'];

test.each<[what: string, story: Story, steps: readonly string[]]>([
  ['all is well', { voters: ['a', 'b', 'c'], learners: [d], running: ['a', 'b', 'c', d] }, []],
  ['somebody new', { voters: ['a', 'b', 'c'], running: ['a', 'b', 'c', d] }, [`add-learner ${d}`]],
  [
    'a voter is lost, and a learner has caught up',
    { voters: ['a', 'b', 'c'], learners: [d], running: ['a', 'b', d], lost: ['c'] },
    ['demote c', `promote ${d}`],
  ],
  ['a voter is away for a moment', { voters: ['a', 'b', 'c'], learners: [d], running: ['a', 'b', d] }, []],
  [
    'a voter is lost, and the learner lags behind',
    { voters: ['a', 'b', 'c'], learners: [d], running: ['a', 'b', d], lost: ['c'], behind: [d] },
    [],
  ],
  ['a voter is lost, and nobody can take its place', { voters: ['a', 'b', 'c'], running: ['a', 'b'], lost: ['c'] }, []],
  [
    'a voter comes back empty',
    { voters: ['a', 'b', 'c'], running: ['a', 'b', 'c.0000000a'] },
    ['remove c', 'add-learner c.0000000a'],
  ],
  [
    'a voter comes back empty, and a learner takes its place in the same change',
    { voters: ['a', 'b', 'c'], learners: [d], running: ['a', 'b', 'c.0000000a', d] },
    ['remove c', 'add-learner c.0000000a', `promote ${d}`],
  ],
  [
    'a learner comes back empty',
    { voters: ['a', 'b', 'c'], learners: [d], running: ['a', 'b', 'c', 'd.0000000b'] },
    [`remove ${d}`, 'add-learner d.0000000b'],
  ],
  [
    'one founder and one more: an even number survives no more',
    { voters: ['a'], learners: [d], running: ['a', d] },
    [],
  ],
  [
    'one founder and two more',
    { voters: ['a'], learners: [d, e], running: ['a', d, e] },
    [`promote ${d}`, `promote ${e}`],
  ],
  ['a change is under way', { voters: ['a', 'b'], outgoing: ['a'], running: ['a', 'b', d] }, []],
])('%s', (_what, story, steps) => {
  expect(stepsOf(story)).toEqual(steps);
});

test('a server that has moved keeps its part', () => {
  const configuration: Configuration = {
    voters: ['a'],
    learners: [d],
    outgoing: [],
    addresses: { a: 'a:1', [d]: 'd:1' },
  };
  const running = [
    { id: 'a', name: 'a', address: 'a:2' },
    { id: d, name: 'd', address: 'd:2' },
  ];
  const situation = { configuration, running, lost: new Set<string>(), votersWanted: 1, hasCaughtUp: () => true };
  expect(nextSteps(situation)).toEqual([
    { type: 'add-voter', id: 'a', address: 'a:2' },
    { type: 'add-learner', id: d, address: 'd:2' },
  ]);
});
