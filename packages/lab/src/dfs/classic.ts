import { below, chance, type Address } from '@grp/core';
import {
  checkLinearizability,
  createWorld,
  OperationHistory,
  registerModel,
  TypedMessages,
  type Host,
  type TypedTransport,
  type Violation,
} from '@grp/sim';
import { oneDigestPerVersion, type DfsObservation } from './checkers.ts';

/** Messages of the classic design. `id` is the asker's. */
type ClassicMessage =
  | { readonly type: 'number'; readonly id: number; readonly name: string }
  | { readonly type: 'numbered'; readonly id: number; readonly version: number }
  | {
      readonly type: 'write';
      readonly id: number;
      readonly name: string;
      readonly version: number;
      readonly value: string;
    }
  | { readonly type: 'written'; readonly id: number }
  | { readonly type: 'read'; readonly id: number; readonly name: string }
  | { readonly type: 'value'; readonly id: number; readonly version: number; readonly value: string | null };

type Transport = TypedTransport<ClassicMessage>;

interface Copy {
  readonly version: number;
  readonly value: string | null;
}

const port = 7_952;
const servers = ['n1', 'n2', 'n3'];
const quorum = 2;
const patienceMs = 400;

/** A replica; the master, `n1`, also counts versions, in memory. */
function startServer(host: Host, transport: Transport): object {
  const copies = new Map<string, Copy>();
  const counters = new Map<string, number>();
  transport.onReceive((from, message) => {
    const { id } = message;
    if (message.type === 'number') {
      const version = (counters.get(message.name) ?? 0) + 1;
      counters.set(message.name, version);
      transport.send(from, { type: 'numbered', id, version });
    } else if (message.type === 'write') {
      const { name, version, value } = message;
      if (version > (copies.get(name)?.version ?? 0)) copies.set(name, { version, value });
      transport.send(from, { type: 'written', id });
    } else if (message.type === 'read') {
      const { version, value } = copies.get(message.name) ?? { version: 0, value: null };
      transport.send(from, { type: 'value', id, version, value });
    }
  });
  return host;
}

interface ClassicClientOptions {
  readonly host: Host;
  readonly transport: Transport;
  readonly address: (name: string) => Address;
  readonly history: OperationHistory;
  readonly observe: (observation: DfsObservation) => void;
}

class ClassicClient {
  readonly #options: ClassicClientOptions;
  readonly #waiting = new Map<number, (message: ClassicMessage) => void>();
  #id = 0;

  constructor(options: ClassicClientOptions) {
    this.#options = options;
    options.transport.onReceive((_, message) => this.#waiting.get(message.id)?.(message));
    this.#next();
  }

  #next(): void {
    const { host } = this.#options;
    this.#after(1 + below(host.random, 12), () => {
      const name = `f${below(host.random, 2)}`;
      if (chance(host.random, 0.5)) this.#put(name);
      else this.#get(name);
    });
  }

  #put(name: string): void {
    const { host, history, address, transport, observe } = this.#options;
    const value = `${host.name}.${++this.#id}`;
    const operation = history.begin({ process: host.name, f: 'write', key: name, value });
    const end = this.#once(() => operation.info());
    const id = this.#expect((message) => {
      if (message.type !== 'numbered') return;
      this.#waiting.delete(id);
      const { version } = message;
      const written = this.#count(() => {
        observe({ type: 'seen', client: host.name, name, version, digest: value, by: 'put' });
        end(() => operation.ok());
      });
      for (const server of servers)
        transport.send(address(server), { type: 'write', id: written, name, version, value });
    });
    transport.send(address('n1'), { type: 'number', id, name });
  }

  #get(name: string): void {
    const { host, history, address, transport, observe } = this.#options;
    const operation = history.begin({ process: host.name, f: 'read', key: name });
    const end = this.#once(() => operation.info());
    let best: Copy = { version: 0, value: null };
    const id = this.#count(
      () => {
        const { version, value } = best;
        if (value !== null) observe({ type: 'seen', client: host.name, name, version, digest: value, by: 'get' });
        end(() => operation.ok(value));
      },
      (message) => {
        if (message.type === 'value' && message.version > best.version) best = message;
      },
    );
    for (const server of servers) transport.send(address(server), { type: 'read', id, name });
  }

  /** `done` after as many answers as make a quorum. */
  #count(done: () => void, take: (message: ClassicMessage) => void = () => {}): number {
    let answers = 0;
    return this.#expect((message) => {
      if (answers >= quorum) return;
      take(message);
      if (++answers === quorum) done();
    });
  }

  #expect(listener: (message: ClassicMessage) => void): number {
    const id = ++this.#id;
    this.#waiting.set(id, listener);
    return id;
  }

  /** Ends the operation once: by what is given, or by `giveUp` after a while. */
  #once(giveUp: () => void): (finish: () => void) => void {
    let isOver = false;
    const end = (finish: () => void): void => {
      if (isOver) return;
      isOver = true;
      finish();
      this.#next();
    };
    this.#after(patienceMs, () => end(giveUp));
    return end;
  }

  #after(ms: number, action: () => void): void {
    const { clock } = this.#options.host;
    clock.wakeAt(clock.now() + ms, action);
  }
}

export interface ClassicOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** Whether the master is killed now and then; it comes back with an empty counter. */
  readonly masterFails?: boolean;
}

/**
 * The classic design of course projects, as a control that must fail: a master counts versions in memory, a put is done
 * when two of three replicas have it, a get takes the newest of two. Judged by the checkers of the real store.
 */
export function classicRun({ seed, durationMs, masterFails = false }: ClassicOptions): readonly Violation[] {
  const bus = new TypedMessages<ClassicMessage>();
  const world = createWorld<object>({ seed, network: { delay: { medianMs: 2, sigma: 1.2 } } });
  const history = new OperationHistory(() => world.now);
  const digests = oneDigestPerVersion();
  const observe = (observation: DfsObservation): void =>
    // Versions count for each file by itself here.
    digests.observe(observation.type === 'seen' ? { ...observation, version: keyOf(observation) } : observation);
  const address = (name: string): Address => world.address(name, port);
  for (const name of servers) world.addNode(name, (host) => startServer(host, bus.over(host.transport(port))));
  for (const name of ['c1', 'c2', 'c3'])
    world.addNode(name, (host) => {
      const transport = bus.over(host.transport(port));
      return new ClassicClient({ host, transport, address, history, observe });
    });
  while (world.now < durationMs) {
    world.runFor(300 + below(world.random, 500));
    if (!masterFails) continue;
    world.crash('n1');
    world.runFor(50);
    world.restart('n1');
  }
  const { violations } = checkLinearizability(history.all(), registerModel, { statesMax: 100_000 });
  return [...violations, ...digests.finish()];
}

function keyOf({ name, version }: { readonly name: string; readonly version: number }): number {
  return version * 2 + Number(name.slice(1));
}
