// How often each level fails in random runs. Wide bands, because some dozens of seeds are a sample; docs/lab/gms.md has
// the figures of a thousand.
import { describe, expect, test } from 'vitest';
import { levels, measureLevel } from '../src/index.ts';

const seedCount = 60;

function within(min: number, max: number): (value: number) => boolean {
  return (value) => value >= min && value <= max;
}

describe('failure rates', () => {
  test.each(Object.keys(levels))('%s without any fault: none', async (level) => {
    const { violated, diverged } = await measureLevel(level, 'calm', 20);
    expect({ violated, diverged }).toEqual({ violated: 0, diverged: 0 });
  });

  test('the leader crashes after one send of a hundred: gms2 mostly diverges, gms3 and gms4 seldom', async () => {
    const gms2 = await measureLevel('gms2', 'crashes', seedCount);
    const gms3 = await measureLevel('gms3', 'crashes', seedCount);
    const gms4 = await measureLevel('gms4', 'crashes', seedCount);
    expect(gms2.crashesPerRun).toSatisfy(within(1.8, 2.8));
    expect(gms2.diverged).toSatisfy(within(65, 92));
    expect(gms3.diverged).toSatisfy(within(0.5, 9));
    expect(gms4.diverged).toSatisfy(within(0.5, 9));
    expect(gms2.lostOwn).toSatisfy(within(90, 100));
    expect(gms3.lostOwn).toSatisfy(within(90, 100));
    expect(gms4.lostOwn).toSatisfy(within(0, 9)); // only where a view that nobody can take blocks everything behind it
  });

  test('one message of a hundred is lost: gms3 is stuck, gms4 is right', async () => {
    expect((await measureLevel('gms3', 'loss', seedCount)).diverged).toSatisfy(within(92, 100));
    expect((await measureLevel('gms4', 'loss', seedCount)).violated).toBe(0);
  });

  test('loss, and crashes: gms4 forgets what its predecessor owed', async () => {
    const { diverged, byChecker } = await measureLevel('gms4', 'loss-and-crashes', seedCount);
    expect(diverged).toSatisfy(within(25, 65));
    // Each of these is shown failing by a protocol, and not only by a made-up row of events.
    const shown = ['integrity', 'validity', 'virtual synchrony', 'total order', 'FIFO order', 'causal order'];
    const also = ['same-view delivery', 'view agreement', 'single leader per view', 'state-transfer cut'];
    expect(Object.keys(byChecker)).toEqual(expect.arrayContaining([...shown, ...also, 'liveness after faults stop']));
  });

  test('four join while leaders crash: gms3 and gms4 leave members behind', async () => {
    expect((await measureLevel('gms3', 'joins-and-crashes', seedCount)).diverged).toSatisfy(within(4, 25));
    expect((await measureLevel('gms4', 'joins-and-crashes', seedCount)).violated).toSatisfy(within(15, 55));
  });

  test('one member suspects the leader by mistake: two leaders, always', async () => {
    expect((await measureLevel('gms3', 'suspicion', seedCount)).diverged).toBe(100);
    expect((await measureLevel('gms4', 'suspicion', seedCount)).diverged).toBe(100);
  });
});
