import { maelstromWorkloads } from '@grp/lab';
import { expect, test } from 'vitest';
import { LabMaelstrom } from '../src/commands/lab/maelstrom.ts';

test('the command offers every workload that a node can do', () => {
  expect(LabMaelstrom.flags.workload.options).toEqual(maelstromWorkloads);
});
