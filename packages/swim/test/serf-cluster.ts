import { below, chance, type Address, type Keyring, type Millis, type Random } from '@grp/core';
import { seededRandom } from '@grp/sim';
import type { MemberStatus, Tags } from '../src/api.ts';
import type { SerfMember, SerfOutput } from '../src/serf/context.ts';
import { SerfLayer } from '../src/serf/layer.ts';

export interface ClusterOptions {
  readonly count?: number;
  readonly seed?: number;
  /** Share of all messages that is lost, gossip and direct. */
  readonly loss?: number;
  /** Share of direct messages that is lost besides. */
  readonly directLoss?: (from: string, to: string) => boolean;
  readonly keyring?: (name: string) => Keyring | undefined;
  readonly tags?: (name: string) => Tags;
  readonly names?: (index: number) => string;
}

export interface TestNode {
  readonly name: string;
  readonly address: Address;
  readonly layer: SerfLayer;
  readonly members: Map<string, SerfMember>;
  readonly outputs: SerfOutput[];
  /** `name` of every leave that was told to the machine, with `name!` for a prune and `-name` for one withdrawn. */
  readonly leaves: string[];
  /** Bodies that the layer had gossiped, its own and those passed on. */
  readonly gossiped: { readonly body: Uint8Array; readonly key: string }[];
  readonly sent: { readonly to: Address; readonly body: Uint8Array }[];
}

const versions = new Uint8Array([1, 5, 2, 2, 5, 5]);

interface Delivery {
  readonly at: Millis;
  readonly order: number;
  readonly to: TestNode;
  readonly from: Address;
  readonly body: Uint8Array;
}

/** Serf layers wired to each other in memory, on virtual time: gossip goes to everyone, with delay, doubles and loss. */
export class SerfCluster {
  readonly nodes: TestNode[] = [];
  readonly random: Random;
  readonly #options: ClusterOptions;
  #queue: Delivery[] = [];
  #order = 0;
  now: Millis = 1_000;

  constructor(options: ClusterOptions = {}) {
    this.#options = options;
    this.random = seededRandom(options.seed ?? 1);
    for (let index = 0; index < (options.count ?? 5); index++) {
      this.#add(options.names?.(index) ?? `n${index}`, `10.0.0.${index + 1}:7946` as Address);
    }
    for (const node of this.nodes) for (const other of this.nodes) this.know(node, other);
  }

  node(index: number): TestNode {
    return this.nodes[index] as TestNode;
  }

  know(node: TestNode, other: TestNode, status: MemberStatus = 'alive'): void {
    const { name, address } = other;
    node.members.set(name, { name, address, status, tags: this.#options.tags?.(name) ?? {}, versions });
  }

  /** Both sides of a push-pull; `join`: the first is joining through the second. */
  pushPull(a: TestNode, b: TestNode, { join = false } = {}): void {
    const [ofA, ofB] = [a.layer.localState(), b.layer.localState()];
    b.layer.mergeState(ofA, false);
    a.layer.mergeState(ofB, join);
  }

  /** Lets virtual time pass. */
  run(ms: Millis): void {
    const end = this.now + ms;
    for (;;) {
      const deadlines = this.nodes.map(({ layer }) => layer.nextDeadline() ?? Number.POSITIVE_INFINITY);
      const delivery = this.#queue[0];
      const at = Math.min(delivery?.at ?? Number.POSITIVE_INFINITY, ...deadlines);
      if (at > end) break;
      this.now = Math.max(this.now, at);
      if (delivery?.at === at) {
        this.#queue.shift();
        delivery.to.layer.receive(delivery.body, delivery.from);
      } else {
        this.nodes[deadlines.indexOf(at)]?.layer.wake();
      }
    }
    this.now = end;
  }

  #add(name: string, address: Address): void {
    const members = new Map<string, SerfMember>();
    const node: Omit<TestNode, 'layer'> = { name, address, members, outputs: [], leaves: [], gossiped: [], sent: [] };
    const layer = new SerfLayer(
      {
        name,
        address,
        now: () => this.now,
        memberCount: () =>
          [...members.values()].filter(({ status }) => status === 'alive' || status === 'suspect').length,
        members: () => members.values(),
        member: (other) => members.get(other),
        memberAt: (wanted) => [...members.values()].find((member) => member.address === wanted),
        broadcast: (body, key) => {
          node.gossiped.push({ body, key });
          for (const other of this.nodes) if (other.name !== name) this.#send(node, other, body, false);
        },
        sendTo: (to, body) => {
          node.sent.push({ to, body });
          const other = this.nodes.find((candidate) => candidate.address === to);
          if (other !== undefined) this.#send(node, other, body, true);
        },
        output: (output) => node.outputs.push(output),
        leaveIntended: (other, prune) => node.leaves.push(prune ? `${other}!` : other),
        leaveWithdrawn: (other) => node.leaves.push(`-${other}`),
      },
      { random: this.random.fork(name), keyring: this.#options.keyring?.(name), gossipIntervalMs: 200 },
    );
    this.nodes.push({ ...node, layer });
  }

  #send(from: Pick<TestNode, 'name' | 'address'>, to: TestNode, body: Uint8Array, direct: boolean): void {
    const copies = 1 + Number(chance(this.random, 0.1));
    for (let copy = 0; copy < copies; copy++) {
      if (chance(this.random, this.#options.loss ?? 0)) continue;
      if (direct && this.#options.directLoss?.(from.name, to.name) === true) continue;
      this.#queue.push({
        at: this.now + 1 + below(this.random, 50),
        order: this.#order++,
        to,
        from: from.address,
        body,
      });
    }
    this.#queue.sort((a, b) => a.at - b.at || a.order - b.order);
  }
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function outputsOf<Type extends SerfOutput['type']>(
  node: TestNode,
  type: Type,
): Extract<SerfOutput, { type: Type }>[] {
  return node.outputs.filter((output) => output.type === type) as Extract<SerfOutput, { type: Type }>[];
}

export function eventsOf(node: TestNode): string[] {
  return outputsOf(node, 'user-event').map(({ name, payload }) => `${name}:${text(payload)}`);
}

export function dropsOf(node: TestNode): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of outputsOf(node, 'dropped')) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

/** Every application answers each query with its name and what it was asked. */
export function answerAll(cluster: SerfCluster): void {
  for (const { layer, outputs, name } of cluster.nodes) {
    const push = outputs.push.bind(outputs);
    outputs.push = (...added) => {
      const size = push(...added);
      for (const output of added) {
        if (output.type === 'query') layer.respond(output.queryKey, bytes(`${name}<${text(output.payload)}`));
      }
      return size;
    };
  }
}
