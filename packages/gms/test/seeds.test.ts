import { expect, test } from 'vitest';
import { storm } from './support/storm.ts';

// Ring 1: bare machines over perfect links. A failing seed is replayed by its number alone.
test.each(['agreed', 'safe'] as const)('%s: 100 storms break no property', { timeout: 60_000 }, (delivery) => {
  for (let seed = 1; seed <= 100; seed++) {
    const { violations } = storm({ seed, delivery });
    expect(violations, `storm({ seed: ${seed}, delivery: '${delivery}' })`).toEqual([]);
  }
});
