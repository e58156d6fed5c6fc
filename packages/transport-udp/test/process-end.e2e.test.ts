import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('a stream that is aborted while its end is under way does not keep the process busy for ever', () => {
  const file = fileURLToPath(new URL('support/end-then-abort.ts', import.meta.url));
  const flags = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning'];
  expect(execFileSync(process.execPath, [...flags, file], { encoding: 'utf8', timeout: 30_000 })).toBe('closed\n');
});
