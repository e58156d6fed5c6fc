// A Python client with stubs made from our schema talks to the leader of five servers; afterwards all five have what it said.
// `npm run soak -- chat-foreign`. Needs protobuf-compiler, protobuf-compiler-grpc and python3-grpcio.
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseClusterFile } from '@grp/chat';
import { bringDown } from '../src/cluster/down.ts';
import { untilLed } from '../src/cluster/lists.ts';
import { readState } from '../src/cluster/state.ts';
import { bringUp } from '../src/index.ts';
import { chatClient } from '../src/demo/chat-record.ts';
import { foreignExpectation, missingForForeignClient, runForeignClient } from '../test/support/foreign-client.ts';
import { unequal } from '../test/support/rot.ts';

const missing = missingForForeignClient();
if (missing !== undefined) throw new Error(`${missing} is not installed`);
const dir = mkdtempSync(join(tmpdir(), 'grp-chat-foreign-'));
const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
const template = { roles: ['chat'] } as const;
await bringUp({ dir, count: ids.length, basePort: 0, template, logFormat: 'json', timeoutMs: 60_000 });
const problems: string[] = [];
try {
  const nodes = (await readState(dir))?.nodes ?? [];
  const leader = await untilLed(
    nodes.map(({ id, http, roles }) => ({ name: id, http, roles })),
    { timeoutMs: 60_000 },
  );
  const servers = parseClusterFile(await readFile(join(dir, 'cluster_config.json'), 'utf8'));
  const report = await runForeignClient(dir, servers.find(({ id }) => id === leader)?.client ?? '');
  if (!isDeepStrictEqual(report, foreignExpectation)) problems.push(`it saw ${JSON.stringify(report)}`);
  const reader = await chatClient(dir);
  await reader.register('ann', 'password of ann');
  await reader.login('ann', 'password of ann');
  problems.push(...(await unequal({ dir, ids, reader, room: 'general', withinMs: 30_000 })));
  reader.close();
} finally {
  await bringDown({ dir, timeoutMs: 5_000 });
}
rmSync(dir, { recursive: true, force: true });
console.log(JSON.stringify({ schema: 'grp.soak.chat-foreign/1', problems }));
process.exitCode = problems.length === 0 ? 0 : 8;
