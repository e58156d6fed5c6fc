// One measured member in a process of its own, on UDP over loopback; forked by `gms-processes.ts`, which tells it what to do.
import { systemClock, systemRandom, type Address, type NodeId } from '@grp/core';
import { createLinks } from '@grp/link';
import { openNetwork } from '@grp/transport-udp';
import {
  createGroup,
  createHeartbeatDetector,
  type DeliveryLevel,
  type Group,
  type GroupHandle,
} from '../src/index.ts';

export interface MemberPlan {
  readonly name: string;
  readonly payloadBytes: number;
  /** Own messages under way when it streams; 0: this one only receives. */
  readonly window: number;
  /** Messages a second instead of a window. */
  readonly rate: number | undefined;
  readonly frameBytes: number;
  readonly delivery: DeliveryLevel;
  /** `node`: a whole node with the roles swim and gms; `heartbeat`: the group alone with its own detector. */
  readonly detector: 'heartbeat' | 'node' | 'none';
  /** Base addresses of nodes, else group addresses. */
  readonly seeds: readonly string[];
}

export interface MemberFigures {
  readonly deliveries: number;
  /** Own ones among them. */
  readonly returned: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** µs from `post` to own delivery, sampled. */
  readonly latencies: readonly number[];
}

export interface MemberMark {
  readonly sequence: number;
  readonly orderHash: string;
  readonly members: number;
  readonly leader: string;
  /** Own messages that were sent, and those that came back. */
  readonly sent: number;
  readonly returned: number;
  /** Own messages that came back out of turn: lost, doubled or out of order. */
  readonly faults: number;
  readonly rowBytes: number;
}

export interface MemberGap {
  /** The longest time without a delivery since it was asked to watch, the one that goes on included. */
  readonly gapMs: number;
  readonly members: number;
  readonly deliveries: number;
}

type Visit = (sender: string, bytes: Uint8Array, start: number) => void;

/** What is measured, whatever carries it. */
interface Carrier {
  readonly group: Group;
  /** What later members are given as a seed. */
  readonly seed: string;
  readonly name: string;
  onDeliveries(visit: Visit, done: () => void): void;
  rowBytes(): number;
}

const timesKept = 4_096;
const latenciesMax = 50_000;
const defer = (callback: () => void): void => void setImmediate(callback);

async function openGroup(plan: MemberPlan): Promise<Carrier> {
  const network = await openNetwork({ bind: '127.0.0.1:0', connect: true, datagramBytesMax: plan.frameBytes });
  const { transport } = network;
  const links = createLinks({ transport, clock: systemClock(), random: systemRandom(), defer });
  const id = `${plan.name}#${process.pid}` as NodeId;
  const detector = plan.detector === 'none' ? undefined : createHeartbeatDetector({ links, id });
  const nobody = { links, onSuspect: () => () => {}, onTrust: () => () => {}, hint: () => {} };
  const ports = { links: (detector ?? nobody).links, detector: detector ?? nobody, defer };
  const group: GroupHandle = createGroup(ports, { id, name: plan.name, delivery: plan.delivery });
  await group.join(plan.seeds as readonly Address[]);
  return {
    group,
    seed: links.self,
    name: plan.name,
    onDeliveries(visit, done) {
      const each = (_sequence: number, sender: string, bytes: Uint8Array, start: number): void =>
        visit(sender, bytes, start);
      group.onBatch((batch) => {
        batch.each(each);
        done();
      });
    },
    rowBytes: () => group.figures().rowBytes,
  };
}

/** The part of `@grp/node` that is measured. The node is above this package, which therefore does not depend on it. */
interface NodePackage {
  readonly createNode: (options: object) => Promise<{
    readonly swim: { readonly self: { readonly address: string } } | undefined;
    readonly gms: Group | undefined;
    start(): Promise<void>;
    ready(): Promise<void>;
  }>;
}

const nodeSources = new URL('../../node/src/index.ts', import.meta.url).href;

async function openNode(plan: MemberPlan): Promise<Carrier> {
  const { createNode } = (await import(nodeSources)) as NodePackage;
  const { name, delivery, seeds } = plan;
  const node = await createNode({
    roles: ['swim', 'gms'],
    name,
    bind: '127.0.0.1:0',
    http: '127.0.0.1:0',
    join: seeds,
    delivery,
  });
  await node.start();
  await node.ready();
  const { swim, gms } = node;
  if (swim === undefined || gms === undefined) throw new Error('the node has no group');
  return {
    group: gms,
    seed: swim.self.address,
    name,
    onDeliveries(visit, done) {
      gms.on('message', ({ sender, payload }) => {
        visit(sender, payload, 0);
        done();
      });
    },
    rowBytes: () => 0,
  };
}

/** Sends numbered messages, and looks at each that comes. */
class Bench {
  readonly #carrier: Carrier;
  readonly #plan: MemberPlan;
  readonly #payload: Uint8Array;
  readonly #numbers: DataView;
  readonly #sentAt = new Float64Array(timesKept);
  /** One in so many own messages is timed: looking at the clock costs as much as a message. */
  readonly #timedMask: number;
  #latencies: number[] = [];
  #isSending = false;
  #sent = 0;
  #returned = 0;
  #faults = 0;
  #deliveries = 0;
  #countedFrom = 0;
  #returnedFrom = 0;
  #measuredAt = 0;
  #cpu = process.cpuUsage();
  #lastAt = 0;
  #gapMs = 0;
  #watchedFrom = 0;

  constructor(carrier: Carrier, plan: MemberPlan) {
    this.#carrier = carrier;
    this.#plan = plan;
    this.#payload = new Uint8Array(plan.payloadBytes).fill(plan.name.charCodeAt(plan.name.length - 1));
    this.#numbers = new DataView(this.#payload.buffer);
    this.#timedMask = plan.window === 1 ? 0 : 15;
    const self = carrier.group.self.id;
    const visit: Visit = (sender, bytes, start) => {
      this.#deliveries++;
      if (sender === self) this.#own(bytes, start);
    };
    const isPaced = plan.rate !== undefined;
    carrier.onDeliveries(visit, () => {
      if (isPaced) this.#noteGap();
      else this.#fill();
    });
  }

  go(): void {
    this.#isSending = true;
    const { rate } = this.#plan;
    if (rate === undefined) return this.#fill();
    const startedAt = performance.now();
    const from = this.#sent;
    const tick = setInterval(() => {
      if (!this.#isSending) return clearInterval(tick);
      const due = Math.floor(((performance.now() - startedAt) * rate) / 1_000);
      // Not all at once after a standstill: a hundred a millisecond catch up, too.
      for (let burst = 0; burst < 100 && this.#sent - from < due; burst++) if (!this.#post()) break;
    }, 1);
  }

  stop(): void {
    this.#isSending = false;
  }

  measure(): void {
    [this.#countedFrom, this.#returnedFrom] = [this.#deliveries, this.#returned];
    [this.#measuredAt, this.#latencies] = [performance.now(), []];
    this.#cpu = process.cpuUsage();
  }

  figures(): MemberFigures {
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      deliveries: this.#deliveries - this.#countedFrom,
      returned: this.#returned - this.#returnedFrom,
      seconds: (performance.now() - this.#measuredAt) / 1_000,
      cpuSeconds: (user + system) / 1e6,
      latencies: this.#latencies,
    };
  }

  mark(): MemberMark {
    const { view, delivered } = this.#carrier.group;
    return {
      ...delivered,
      members: view?.members.length ?? 0,
      leader: view?.members[0]?.name ?? '',
      sent: this.#sent,
      returned: this.#returned,
      faults: this.#faults,
      rowBytes: this.#carrier.rowBytes(),
    };
  }

  watch(): void {
    [this.#lastAt, this.#gapMs, this.#watchedFrom] = [performance.now(), 0, this.#deliveries];
  }

  gap(): MemberGap {
    return {
      gapMs: Math.max(this.#gapMs, performance.now() - this.#lastAt),
      members: this.#carrier.group.view?.members.length ?? 0,
      deliveries: this.#deliveries - this.#watchedFrom,
    };
  }

  #noteGap(): void {
    const now = performance.now();
    if (now - this.#lastAt > this.#gapMs) this.#gapMs = now - this.#lastAt;
    this.#lastAt = now;
  }

  #own(bytes: Uint8Array, start: number): void {
    const number = this.#returned++;
    const said =
      (bytes[start] as number) +
      (bytes[start + 1] as number) * 0x1_00 +
      (bytes[start + 2] as number) * 0x1_00_00 +
      (bytes[start + 3] as number) * 0x1_00_00_00;
    if (said !== number) this.#faults++;
    if ((number & this.#timedMask) !== 0 || this.#latencies.length >= latenciesMax) return;
    this.#latencies.push((performance.now() - (this.#sentAt[number % timesKept] as number)) * 1_000);
  }

  #fill(): void {
    while (this.#isSending && this.#sent - this.#returned < this.#plan.window && this.#post());
  }

  #post(): boolean {
    const number = this.#sent;
    this.#numbers.setUint32(0, number, true);
    if ((number & this.#timedMask) === 0) this.#sentAt[number % timesKept] = performance.now();
    // Counted before: at the leader of a small group it may come back from within.
    this.#sent++;
    if (this.#tryPost()) return true;
    this.#sent--;
    return false;
  }

  // A group without its majority for a moment takes nothing: what was not taken is tried again.
  #tryPost(): boolean {
    try {
      return this.#carrier.group.post(this.#payload);
    } catch {
      return false;
    }
  }
}

async function main(): Promise<void> {
  const plan = JSON.parse(process.argv[2] ?? '{}') as MemberPlan;
  const carrier = plan.detector === 'node' ? await openNode(plan) : await openGroup(plan);
  const bench = new Bench(carrier, plan);
  process.on('message', ({ type }: { readonly type: string }) => {
    const say = (body: object): void => void process.send?.({ type, ...body });
    if (type === 'go') bench.go();
    else if (type === 'stop') bench.stop();
    else if (type === 'measure') bench.measure();
    else if (type === 'figures') say(bench.figures());
    else if (type === 'mark') say(bench.mark());
    else if (type === 'watch') bench.watch();
    else if (type === 'gap') say(bench.gap());
    else process.exit(0);
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ type: 'ready', seed: carrier.seed });
}

await main();
