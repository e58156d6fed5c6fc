import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SerfAgent } from './serf-agent.ts';
import { writeHandler } from './serf-handler.ts';
import { GrpNode } from './serf-node.ts';
import { untilTrue } from './serf-waiting.ts';
import { Watch } from './serf-watch.ts';

export type Peer = SerfAgent | GrpNode;

export interface MixedClusterOptions {
  /** As many as `portsNeeded`, free. Clusters that start side by side take them from one call of `freePorts`. */
  readonly ports: readonly number[];
  /** Base64. */
  readonly key?: string | undefined;
}

interface Parts extends Pick<MixedCluster, 'agents' | 'nodes' | 'imposter' | 'watch' | 'key'> {
  readonly folder: string;
}

const size = 3;
export const portsNeeded = 4 * size + 2;
const pollMs = 1_000;

/** Three Serf agents and three grp nodes in one cluster, watched from the moment that all know each other. */
export class MixedCluster {
  readonly agents: readonly SerfAgent[];
  readonly nodes: readonly GrpNode[];
  /** A further grp node, not started and not watched, with the name of the first agent. */
  readonly imposter: GrpNode;
  readonly watch: Watch;
  /** Base64, the one that seals now. */
  key: string | undefined;
  readonly #folder: string;
  #polling: ReturnType<typeof setInterval> | undefined;
  #busy = false;

  private constructor(parts: Parts) {
    this.agents = parts.agents;
    this.nodes = parts.nodes;
    this.imposter = parts.imposter;
    this.watch = parts.watch;
    this.key = parts.key;
    this.#folder = parts.folder;
  }

  /** Starts all six, each joining through one of the other kind, and waits until everyone lists everyone alive. */
  static async open({ key, ports }: MixedClusterOptions): Promise<MixedCluster> {
    const cluster = await MixedCluster.#prepare(key, ports);
    try {
      await cluster.#form();
      return cluster;
    } catch (cause) {
      await cluster.close();
      throw cause;
    }
  }

  get peers(): readonly Peer[] {
    return [...this.agents, ...this.nodes];
  }

  get running(): readonly Peer[] {
    return this.peers.filter(({ running }) => running);
  }

  /** A member of the other kind to join through. */
  peerFor(peer: Peer): Peer {
    const others: readonly Peer[] = peer instanceof SerfAgent ? this.nodes : this.agents;
    const seed = others.find(({ running, name }) => running && name !== peer.name);
    if (seed === undefined) throw new Error(`nobody is left for ${peer.name} to join through`);
    return seed;
  }

  /** Waits until each of these lists this member with this status, in its own words. */
  async untilListed(name: string, status: { serf: string; grp: string }, timeoutMs = 30_000): Promise<void> {
    const seen = (): Promise<Record<string, string>> => this.statusesOf(name);
    const agreed = async (): Promise<boolean> =>
      Object.entries(await seen()).every(([at, said]) => said === status[this.#sideOf(at)]);
    await untilTrue(`everyone lists ${name} as ${status.serf}`, agreed, { timeoutMs, everyMs: 100 }, seen);
  }

  /** What every running member but itself lists it as. */
  async statusesOf(name: string): Promise<Record<string, string>> {
    const others = this.running.filter((peer) => peer.name !== name);
    const entries = others.map(async (peer): Promise<[string, string]> => {
      const list: readonly { name: string; status: string }[] = await peer.members();
      return [peer.name, list.find((member) => member.name === name)?.status ?? 'missing'];
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  /** Waits until all that run list all that run, alive. */
  async untilWhole(timeoutMs = 30_000): Promise<void> {
    for (const { name } of this.running) await this.untilListed(name, { serf: 'alive', grp: 'alive' }, timeoutMs);
  }

  /** The key with which members start from now on; those that run have been told by a rotation. */
  async changeKey(key: string): Promise<void> {
    this.key = key;
    await writeFile(join(this.#folder, 'key'), `${key}\n`, { mode: 0o600 });
  }

  /** Ends everything that still runs. Never rejects. */
  async close(): Promise<void> {
    clearInterval(this.#polling);
    await Promise.allSettled([...this.peers, this.imposter].map((peer) => peer.kill()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  static async #prepare(key: string | undefined, ports: readonly number[]): Promise<MixedCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'grp-serf-'));
    const handler = await writeHandler(folder);
    const keyFile = key === undefined ? undefined : join(folder, 'key');
    const port = (index: number): number => ports[index] as number;
    const indices = Array.from({ length: size }, (_, index) => index);
    let watch: Watch | undefined;
    const agents = indices.map((index) => {
      const name = `serf-${index + 1}`;
      const tags = { kind: 'serf', number: String(index + 1) };
      const [own, rpcPort] = [port(index), port(size + index)];
      const onLine: ConstructorParameters<typeof SerfAgent>[0]['onLine'] = (agent, line) => watch?.onLine(agent, line);
      return new SerfAgent({ name, port: own, rpcPort, folder, handler, key, tags, onLine });
    });
    const sealed = keyFile === undefined ? {} : { keyFile };
    const nodes = indices.map((index) => {
      const tags = { kind: 'grp', number: String(index + 1) };
      return new GrpNode({
        name: `grp-${index + 1}`,
        port: port(2 * size + index),
        httpPort: port(3 * size + index),
        node: { tags, ...sealed },
        onEvent: (node, event) => watch?.onEvent(node, event),
      });
    });
    const imposter = new GrpNode({
      name: 'serf-1',
      port: port(4 * size),
      httpPort: port(4 * size + 1),
      node: sealed,
    });
    watch = new Watch([...agents, ...nodes]);
    const cluster = new MixedCluster({ agents, nodes, imposter, watch, key, folder });
    if (key !== undefined) await cluster.changeKey(key);
    return cluster;
  }

  async #form(): Promise<void> {
    const [first, ...agents] = this.agents as [SerfAgent, ...SerfAgent[]];
    const [pioneer, ...nodes] = this.nodes as [GrpNode, ...GrpNode[]];
    await first.start();
    await pioneer.start([first.address]); // through a Serf agent
    await Promise.all(agents.map((agent) => agent.start({ join: pioneer.address }))); // through a grp node
    await Promise.all(nodes.map((node, index) => node.start([this.agents[index + 1]?.address ?? first.address])));
    await this.untilWhole();
    this.watch.arm();
    this.#polling = setInterval(() => void this.#poll(), pollMs);
  }

  /** One look at every list; lists of members that go away meanwhile do not count. */
  async #poll(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const looks = this.running.map(async (peer) => {
      try {
        const list = await peer.members();
        if (peer.running) this.watch.onList(peer.name, list);
      } catch (cause) {
        if (peer.running) this.watch.unanswered(peer.name, cause);
      }
    });
    await Promise.all(looks);
    this.#busy = false;
  }

  #sideOf(name: string): 'serf' | 'grp' {
    return this.agents.some((agent) => agent.name === name) ? 'serf' : 'grp';
  }
}
