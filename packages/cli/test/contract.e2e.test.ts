// What is mechanical in the contract of the command line: with --json every leaf gives JSON, also when it fails.
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../src/commands.ts';
import { exitCodesOf } from '../src/exit-codes.ts';
import { grp, type Outcome } from './support/run.ts';

const ids = Object.keys(COMMANDS);

/** These begin something when they are let: they are only asked what cannot be. */
const starters = new Set([
  'node:start',
  'cluster:up',
  'demo',
  'bench',
  'messenger',
  'sim:run',
  'doctor',
  'lab:maelstrom',
  'lab:open',
]);
const nowhere = 'http://127.0.0.1:1';

function expectError({ code, lines, stderr }: Outcome, id: string): void {
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    error: { code: expect.stringMatching(/^[A-Z]+_[A-Z_]+$/), message: expect.any(String) },
  });
  expect(stderr).toBe('');
  expect((exitCodesOf(id) ?? []).map(([known]) => known)).toContain(String(code));
}

function expectDocuments({ lines }: Outcome): void {
  for (const line of lines) expect(line).toMatchObject({ schema: expect.stringMatching(/^grp\.[\w-]+\.[\w-]+\/\d+$/) });
}

describe.each(ids)('%s', (id) => {
  const words = id.split(':');

  test('an error is a document, with the exit code of its kind', async () => {
    const outcome = await grp(...words, '--no-such-flag', '--json');
    expect(outcome.code).toBe(2);
    expectError(outcome, id);
  });

  test.skipIf(starters.has(id))(
    'without anything to ask it says so in JSON, with a code that its page has',
    async () => {
      const outcome = await grp(...words, '--json', '--node', nowhere, '--dir', '/nowhere/grp', '--timeout', '300ms');
      expect(outcome.stdout).not.toBe('');
      (outcome.code === 0 ? expectDocuments : expectError)(outcome, id);
    },
  );
});
