// What the paper says and draws.
import { expect, test } from 'vitest';
import { figure8 } from './support/scenarios.ts';
import { bare, Script } from './support/script.ts';

test('figure 7: whatever the followers have, the leader of term 8 makes their logs equal to its own', () => {
  const logs = {
    leader: { terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], term: 7 },
    a: { terms: [1, 1, 1, 4, 4, 5, 5, 6, 6], term: 7 },
    b: { terms: [1, 1, 1, 4], term: 7 },
    c: { terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6], term: 7 },
    d: { terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7], term: 7 },
    e: { terms: [1, 1, 1, 4, 4, 4, 4], term: 7 },
    f: { terms: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3], term: 7 },
  };
  const script = new Script({ voters: Object.keys(logs), logs, config: bare });
  script.elect('leader');
  script.deliver();
  expect(script.status('leader')).toMatchObject({ role: 'leader', term: 8, commitIndex: 11 });
  for (const id of Object.keys(logs)) expect(script.terms(id)).toEqual([1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8]);
  expect(script.violations()).toEqual([]);
});

test('figure 7: c and d do not vote for a shorter log, the others do', () => {
  const logs = {
    leader: { terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], term: 7 },
    c: { terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6], term: 7 },
    d: { terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7], term: 7 },
  };
  const script = new Script({ voters: Object.keys(logs), logs, config: bare });
  script.elect('leader');
  script.deliver();
  expect(script.status('leader').role).toBe('candidate');
});

test('figure 8: an entry of an earlier term on a majority is not committed by counting', () => {
  expect(figure8()).toEqual([]);
});

test('§5.3: a follower far behind is found in few steps, a term at a time', () => {
  const terms = Array.from({ length: 400 }, (_, index) => 1 + Math.floor(index / 100));
  const logs = {
    a: { terms, term: 9 },
    b: { terms: terms.slice(0, 50).concat(Array.from({ length: 300 }, () => 1)), term: 9 },
  };
  const script = new Script({ voters: ['a', 'b', 'c'], logs, config: bare });
  script.elect('a');
  script.lose(({ to }) => to === 'c');
  const count = script.among('a', 'b');
  expect(script.terms('b')).toEqual([...terms, 10]);
  expect(count).toBeLessThan(12);
});

test('§5.4.2: the no-op of a new leader commits what its predecessors left', () => {
  const logs = { a: { terms: [1, 2, 2], term: 2 }, b: { terms: [1, 2], term: 2 }, c: { terms: [1], term: 2 } };
  const script = new Script({ voters: ['a', 'b', 'c'], logs, config: bare });
  script.elect('a');
  script.deliver();
  expect(script.status('a').commitIndex).toBe(4);
});

test('§5.2: one vote per term, also after a restart', () => {
  const script = new Script({ voters: ['a', 'b', 'c'], config: bare });
  script.elect('b');
  script.among('a', 'b');
  script.crash('b');
  script.restart('a');
  script.elect('c');
  script.among('a', 'c');
  expect(script.status('a')).toMatchObject({ term: 1, vote: 'b' });
  expect(script.status('c').role).toBe('candidate');
  expect(script.violations()).toEqual([]);
});
