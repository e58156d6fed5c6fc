import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { SerfAgent } from './serf-agent.ts';
import type { MixedCluster } from './serf-cluster.ts';
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

/**
 * A rotation begun by an agent, which every member carries out; then one begun by a grp node. Key commands are queries
 * and, like any query, miss a member now and then; they may be repeated. Gives how often that was needed.
 */
export async function rotateKeys(cluster: MixedCluster): Promise<number> {
  const { peers } = cluster;
  const [agent, node] = [cluster.agents[1] as SerfAgent, cluster.nodes[1] as GrpNode];
  const [old, second, third] = [cluster.key as string, newKey(32), newKey(24)];
  const everyone = `${peers.length}/${peers.length}`;
  let repeated = 0;
  const serfKeys = async (flag: string, ...held: readonly string[]): Promise<void> => {
    repeated += await repeat(`serf keys ${flag}`, async () => {
      const { code, stdout, stderr } = await agent.run('keys', flag);
      const rows = [...stdout.matchAll(/^\s*(\S+)\s+\[(\d+\/\d+)\]/gm)].map(([, key, count]) => `${key} ${count}`);
      assert.equal(code, 0, stdout + stderr);
      assert.deepEqual(new Set(rows), new Set(held.map((key) => `${key} ${everyone}`)));
    });
  };
  const ownKeys = async (action: 'install' | 'use' | 'remove', key: string): Promise<void> => {
    repeated += await repeat(`keys ${action} by ${node.name}`, async () => {
      const { answered, members, errors } = (await node.post('/v1/swim/keys', { action, key })) as KeysDocument;
      assert.deepEqual({ answered, members, errors }, { answered: peers.length, members: peers.length, errors: {} });
    });
  };
  const ownList = async (...held: readonly string[]): Promise<void> => {
    repeated += await repeat(`keys listed by ${node.name}`, async () => {
      const { keys } = (await node.get('/v1/swim/keys')) as KeysDocument;
      assert.deepEqual({ ...keys }, Object.fromEntries(held.map((key) => [key, peers.length])));
    });
  };
  await serfKeys('-list', old);
  await serfKeys(`-install=${second}`);
  await serfKeys('-list', old, second);
  await ownList(old, second);
  await serfKeys(`-use=${second}`);
  await serfKeys(`-remove=${old}`);
  await ownKeys('install', third);
  await ownKeys('use', third);
  await ownKeys('remove', second);
  await serfKeys('-list', third);
  await ownList(third);
  await cluster.changeKey(third);
  return repeated;
}

const triesMax = 5;

/** Does it until it works; gives how often it did not. @throws what was wrong the last time */
async function repeat(what: string, run: () => Promise<void>): Promise<number> {
  for (let failed = 0; ; failed++) {
    try {
      await run();
      return failed;
    } catch (cause) {
      if (failed + 1 < triesMax) continue;
      throw new Error(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }
}
