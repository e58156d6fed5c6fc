import { expect, test } from 'vitest';
import { Lives } from './lives.ts';

test('random work with random crashes, failing syncs, full and rotting disks loses nothing silently', async () => {
  const failures: string[] = [];
  let damagedLives = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const run = new Lives(seed);
    for (let life = 0; life < 12 && failures.length === 0; life++)
      for (const loss of await run.life()) failures.push(`seed ${seed}, life ${life}: ${loss}`);
    damagedLives += run.damagedLives;
  }
  expect(failures).toEqual([]);
  expect(damagedLives).toBeGreaterThan(10);
});

test('the same check finds what a disk loses that lies about its syncs', async () => {
  let losses = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const run = new Lives(seed, { isSyncLying: true });
    for (let life = 0; life < 4 && losses === 0; life++)
      losses += (await run.life().catch(() => ['what is left makes no sense'])).length;
  }
  expect(losses).toBeGreaterThan(0);
});
