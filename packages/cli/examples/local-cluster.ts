// Runs three real nodes from a program, crashes one, and waits until another's list says so.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bringDown, bringUp, killNode, NodeClient } from '@grp/cli';

const dir = await mkdtemp(join(tmpdir(), 'grp-example-'));
const cluster = await bringUp({
  dir,
  count: 3,
  basePort: 0, // free ones
  template: { roles: ['swim'] },
  logFormat: 'json',
  timeoutMs: 30_000,
});
const n1 = NodeClient.local(cluster.nodes[0]?.http ?? '', 5_000);
const events = await n1.events({ kinds: ['down'], signal: AbortSignal.timeout(15_000) });
await killNode(dir, 'n3');
for await (const { at, member } of events) {
  console.log(`${at} n1 lists ${member?.name} as ${member?.status}`);
  break;
}
await bringDown({ dir, timeoutMs: 5_000 });
await rm(dir, { recursive: true });
