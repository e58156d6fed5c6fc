// The files of a node as version 1 has them. What is here stays, and must still be read by later versions.
import { fileURLToPath } from 'node:url';
import { silentLogger } from '@grp/core';
import { expect, test } from 'vitest';
import { PeersFile } from '../../src/peers-file.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('the peers of version 1 are found again', async () => {
  const file = fileURLToPath(new URL('./peers-v1.json', import.meta.url));
  const options = { file, clock: new ManualClock(), logger: silentLogger, writeMs: 1_000, snapshot: () => [] };
  expect(await new PeersFile(options).load()).toEqual([
    { name: 'n2', address: '10.0.0.2:7946' },
    { name: 'n3', address: '[fd00::3]:7946' },
  ]);
});
