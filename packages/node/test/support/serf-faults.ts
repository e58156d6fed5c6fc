import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { SerfAgent } from './serf-agent.ts';
import type { MixedCluster, Peer } from './serf-cluster.ts';
import { succeeds } from './serf-exchange.ts';

/** How long after a SIGKILL the members of each kind had the victim down, in ms. */
export interface Detection {
  readonly victim: string;
  readonly grp: { readonly firstMs: number; readonly lastMs: number };
  readonly serf: { readonly firstMs: number; readonly lastMs: number };
  /** From the start of its next process until every list had it alive; undefined when it stayed away. */
  readonly backMs?: number;
}

const gone = { serf: 'failed', grp: 'down' };
const left = { serf: 'left', grp: 'left' };
const alive = { serf: 'alive', grp: 'alive' };

/** SIGKILL; waits until every list has it failed, or down. */
export async function killPeer(cluster: MixedCluster, victim: Peer): Promise<Detection> {
  const { watch } = cluster;
  watch.excuse(victim.name);
  const at = performance.now();
  await victim.kill();
  await cluster.untilListed(victim.name, gone, 60_000);
  const times = (side: 'serf' | 'grp'): { firstMs: number; lastMs: number } => {
    const all = watch.conclusions.filter(
      (one) => one.at >= at && one.about === victim.name && one.kind === 'failed' && one.side === side,
    );
    const spans = all.map((one) => Math.round(one.at - at));
    return { firstMs: Math.min(...spans), lastMs: Math.max(...spans) };
  };
  return { victim: victim.name, grp: times('grp'), serf: times('serf') };
}

/** Starts it again, under the same name and address, through this member; gives ms until every list had it. */
export async function bringBack(cluster: MixedCluster, peer: Peer, through = cluster.peerFor(peer)): Promise<number> {
  const at = performance.now();
  const seed = through.address;
  if (peer instanceof SerfAgent) await peer.start({ join: seed, key: cluster.key });
  else await peer.start([seed]);
  await cluster.untilListed(peer.name, alive);
  await cluster.untilWhole();
  cluster.watch.welcome(peer.name);
  return Math.round(performance.now() - at);
}

/** SIGKILL, detection, return. */
export async function killAndReturn(cluster: MixedCluster, victim: Peer): Promise<Detection> {
  const detection = await killPeer(cluster, victim);
  return { ...detection, backMs: await bringBack(cluster, victim) };
}

/**
 * One of each kind leaves gracefully, and everyone who stays lists both as left. Then they come back, the second through
 * the first, which has never heard of the other's last life.
 */
export async function leaveAndReturn(cluster: MixedCluster, first: Peer, second: Peer): Promise<void> {
  const leavers = [first, second];
  const { watch } = cluster;
  for (const { name } of leavers) watch.excuse(name);
  const before = watch.conclusions.length;
  await Promise.all(leavers.map((peer) => peer.leave()));
  for (const { name } of leavers) await cluster.untilListed(name, left);
  const mistaken = watch.conclusions
    .slice(before)
    .filter(({ kind, about }) => kind === 'failed' && leavers.some(({ name }) => name === about));
  // Between two agents it is Serf's own race of an intent and an end, and happens among agents alone too.
  const agents = new Set(cluster.agents.map(({ name }) => name));
  for (const { observer, about } of mistaken.filter((one) => !(agents.has(one.observer) && agents.has(one.about))))
    watch.violate('false-positive', `${observer} took the leave of ${about} for a failure`);
  await bringBack(cluster, first);
  await bringBack(cluster, second, first);
}

/** A dead member is declared to have left by an operator of Serf, forgotten even with `-prune`; then it comes back. */
export async function forceLeave(
  cluster: MixedCluster,
  victim: Peer,
  { prune }: { prune: boolean },
): Promise<Detection> {
  const detection = await killPeer(cluster, victim);
  const agent = cluster.agents.find(({ running }) => running) as SerfAgent;
  await succeeds(agent, 'force-leave', ...(prune ? ['-prune'] : []), victim.name);
  await cluster.untilListed(victim.name, prune ? { serf: 'missing', grp: 'missing' } : left);
  return { ...detection, backMs: await bringBack(cluster, victim) };
}

/** Our nodes lose this share of their datagrams, both ways, for a while. Nobody may be taken for dead. */
export async function loseDatagrams(cluster: MixedCluster, share: number, forMs: number): Promise<void> {
  const set = async (loss: number): Promise<void> => {
    await Promise.all(cluster.nodes.map((node) => node.post('/v1/node/faults', { loss, lossIncoming: loss })));
  };
  cluster.watch.lossBegins();
  await set(share);
  await pause(forMs);
  await set(0);
  cluster.watch.lossEnds();
}

/** A grp node that comes with the name of a living agent is told so and ends; the agent never notices. */
export async function claimName({ imposter, agents, watch }: MixedCluster): Promise<void> {
  watch.imposterComes();
  await assert.rejects(imposter.start([agents[1]?.address ?? '']), /SWIM_NAME_TAKEN/);
  watch.imposterGoes();
}
