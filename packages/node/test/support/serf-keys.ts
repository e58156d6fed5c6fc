import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { SerfAgent } from './serf-agent.ts';
import type { MixedCluster } from './serf-cluster.ts';
import { succeeds } from './serf-exchange.ts';
import type { GrpNode } from './serf-node.ts';

interface KeysDocument {
  readonly answered: number;
  readonly members: number;
  readonly keys: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, string>>;
}

export function newKey(bytes: 16 | 24 | 32): string {
  return randomBytes(bytes).toString('base64');
}

/** A rotation begun by an agent, which every member carries out; then one begun by a grp node. */
export async function rotateKeys(cluster: MixedCluster): Promise<void> {
  const [agent, node] = [cluster.agents[1] as SerfAgent, cluster.nodes[1] as GrpNode];
  const [old, second, third] = [cluster.key as string, newKey(32), newKey(24)];
  await hasKeys(cluster, agent, [old]);
  await succeeds(agent, 'keys', `-install=${second}`);
  await hasKeys(cluster, agent, [old, second]);
  await succeeds(agent, 'keys', `-use=${second}`);
  await succeeds(agent, 'keys', `-remove=${old}`);
  await hasKeys(cluster, agent, [second]);

  for (const [action, key] of [
    ['install', third],
    ['use', third],
    ['remove', second],
  ] as const) {
    const report = (await node.post('/v1/swim/keys', { action, key })) as KeysDocument;
    assert.deepEqual(
      { answered: report.answered, members: report.members, errors: report.errors },
      { answered: cluster.peers.length, members: cluster.peers.length, errors: {} },
      `keys ${action} by ${node.name}`,
    );
  }
  await hasKeys(cluster, agent, [third]);
  await cluster.changeKey(third);
}

/** Both sides count every member as holding exactly these keys. */
async function hasKeys({ nodes, peers }: MixedCluster, agent: SerfAgent, keys: readonly string[]): Promise<void> {
  const stdout = await succeeds(agent, 'keys', '-list');
  const rows = [...stdout.matchAll(/^\s*(\S+)\s+\[(\d+\/\d+)\]/gm)].map(([, key, held]) => `${key} ${held}`);
  const wanted = keys.map((key) => `${key} ${peers.length}/${peers.length}`);
  assert.deepEqual(new Set(rows), new Set(wanted), `serf keys -list: ${stdout}`);
  const document = (await nodes[0]?.get('/v1/swim/keys')) as KeysDocument;
  assert.deepEqual(
    { ...document.keys },
    Object.fromEntries(keys.map((key) => [key, peers.length])),
    'keys as a grp node lists them',
  );
}
