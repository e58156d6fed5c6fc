import type { World } from '@grp/sim';
import type { Swim, SwimConfig, SwimEvent } from '@grp/swim';
import { TraceTap, type Described } from '../trace/tap.ts';
import { createSwimCluster, isConverged } from './cluster.ts';

/** A verdict in one list. */
export interface Verdict {
  readonly at: number;
  readonly observer: string;
  readonly type: SwimEvent['type'];
  readonly name: string;
  /** Whether the process ran at that moment. */
  readonly isRunning: boolean;
}

/** A cluster whose members are tapped: for lessons, which tell what happened instead of judging thousands of seeds. */
export class WatchedSwim {
  readonly world: World<Swim>;
  readonly tap: TraceTap;
  readonly verdicts: Verdict[] = [];

  constructor({ seed, nodeCount, config }: { seed: number; nodeCount: number; config?: Partial<SwimConfig> }) {
    this.tap = new TraceTap(() => this.world.now);
    this.world = createSwimCluster({
      seed,
      nodeCount,
      ...(config && { config }),
      ports: (host, ports) => ({ ...ports, transport: this.tap.datagrams(host.name, ports.transport, describe) }),
      onEvent: ({ at, observer, event }) => {
        if (!('member' in event)) return;
        const { name } = event.member;
        if (event.type === 'update' || event.type === 'forget') return;
        const isRunning = this.world.names.includes(name) && this.world.state(name) !== 'crashed';
        this.verdicts.push({ at, observer, type: event.type, name, isRunning });
        const mark = event.type === 'suspect' || event.type === 'down' ? 'suspect' : 'state';
        if (observer !== name) this.tap.mark(observer, mark, `${name} ${event.type}`);
      },
    });
  }

  /** Until all lists are whole. */
  converge(withinMs: number): number {
    const { world } = this;
    const startedAt = world.now;
    while (!isConverged(world) && world.now - startedAt < withinMs) world.runFor(20);
    return world.now - startedAt;
  }

  crash(name: string): void {
    this.tap.mark(name, 'crash', 'crash');
    this.world.crash(name, 'host');
  }

  /** Names that this member lists as living. */
  listOf(name: string): string {
    const living = this.world
      .node(name)
      .members()
      .filter(({ status }) => status === 'alive' || status === 'suspect');
    return living
      .map((member) => member.name)
      .toSorted()
      .join(' ');
  }
}

const names: Readonly<Record<number, string>> = {
  0: 'ping',
  1: 'relay-ping',
  2: 'ack',
  3: 'suspect',
  4: 'alive',
  5: 'dead',
  7: 'compound',
  11: 'nack',
};

/** memberlist's message types, by their first byte (`@grp/swim`, PROTOCOL.md); of several in one datagram, the first. */
function describe(bytes: Uint8Array): Described {
  const [first = -1, count = 0] = bytes;
  const inner = first === 7 ? bytes[2 + 2 * count] : first;
  const kind = names[inner ?? -1] ?? 'other';
  return { kind, label: first === 7 ? `${kind} +${count - 1}` : kind };
}
