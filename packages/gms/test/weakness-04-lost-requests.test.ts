import { expect, test } from 'vitest';
import { crashNoticed, judge, rows, wholeRing } from './support/small.ts';

// Weakness 4: what was forwarded to a leader that is dead is lost. Here the sender keeps it and sends it again, in order,
// and the receivers tell by (life, request number) what they have had.
test('requests on their way to a leader that dies are delivered once, in order', () => {
  const ring = wholeRing(5, { seed: 4 });
  for (let count = 0; count < 20; count++) for (const name of ['n2', 'n3', 'n4', 'n5']) ring.post(name);
  crashNoticed(ring, 'n1', 30);
  for (let count = 0; count < 20; count++) for (const name of ['n2', 'n3', 'n4', 'n5']) ring.post(name);
  expect(ring.runUntil(() => ring.isWhole() && ring.peer('n2').state.length === 160, 10_000)).toBe(true);
  expect(rows(ring).size).toBe(1);
  expect(new Set(ring.peer('n2').state).size).toBe(160);
  expect(judge(ring)).toEqual([]);
});

test('what an excluded member could not send is delivered once when it is back', () => {
  const ring = wholeRing(5, { seed: 5 });
  const { id } = ring.peer('n5').member;
  ring.cut(['n5'], ['n1', 'n2', 'n3', 'n4']);
  for (let count = 0; count < 10; count++) ring.post('n5');
  ring.suspectEverywhere(id, 10);
  expect(ring.runUntil(() => ring.peer('n1').machine.view?.members.length === 4, 5_000)).toBe(true);
  ring.heal();
  ring.trustEverywhere(id);
  expect(ring.runUntil(() => ring.isWhole() && ring.peer('n1').state.length === 10, 10_000)).toBe(true);
  expect(judge(ring)).toEqual([]);
});
