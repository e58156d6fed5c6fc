import { mkdtempSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseClusterFile } from '@grp/chat';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { killClusterNow } from '../src/cluster/down.ts';
import { bringUp } from '../src/index.ts';
import { foreignExpectation, missingForForeignClient, runForeignClient } from './support/foreign-client.ts';

// The same by name, with five servers: `npm run soak -- chat-foreign`.
const missing = missingForForeignClient();
const reason = missing === undefined ? '' : ` (skipped: ${missing} is not installed)`;

describe.skipIf(missing !== undefined)(`a client of another language${reason}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'grp-foreign-'));

  beforeAll(async () => {
    const template = { roles: ['chat'] } as const;
    await bringUp({ dir, count: 1, basePort: 0, template, logFormat: 'json', timeoutMs: 60_000 });
  }, 60_000);
  afterAll(() => killClusterNow(dir));

  test("Python's grpcio with stubs from our schema registers, logs in, sends and streams", async () => {
    const [server] = parseClusterFile(await readFile(join(dir, 'cluster_config.json'), 'utf8'));
    expect(await runForeignClient(dir, server?.client ?? '')).toEqual(foreignExpectation);
  }, 60_000);
});
