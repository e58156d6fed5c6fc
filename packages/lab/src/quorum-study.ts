import type { Address } from '@grp/core';
import {
  checkLinearizability,
  createWorld,
  OperationHistory,
  registerModel,
  TypedMessages,
  type Host,
  type TypedTransport,
  type World,
} from '@grp/sim';
import type { LabStudy, StudyReport } from './studies.ts';
import { factOf } from './study-fact.ts';
import { TraceTap, type Described } from './trace/tap.ts';

const replicas = ['r1', 'r2', 'r3'];
const port = 7_960;

interface Rules {
  /** Acknowledgements that a write waits for. */
  readonly w: number;
  /** Answers that a read waits for. */
  readonly r: number;
  /** A reader makes sure that a write quorum has what it is going to return. */
  readonly writesBack: boolean;
}

const rules: Readonly<Record<string, Rules>> = {
  w1r1: { w: 1, r: 1, writesBack: false },
  w2r1: { w: 2, r: 1, writesBack: false },
  w2r2: { w: 2, r: 2, writesBack: false },
  'write-back': { w: 2, r: 2, writesBack: true },
};

interface Versioned {
  readonly version: number;
  readonly value: string;
}

type Message =
  | { readonly type: 'put'; readonly id: number; readonly held: Versioned }
  | { readonly type: 'put-ack'; readonly id: number }
  | { readonly type: 'get'; readonly id: number }
  | { readonly type: 'get-ack'; readonly id: number; readonly held: Versioned };

/** How many must confirm, so that nobody ever reads an old value? */
export const quorumStudy: LabStudy = {
  name: 'quorum',
  question:
    'A value has three copies. A writer sends each version to all and waits for W confirmations; a reader asks all, waits for R answers and takes the greatest version. The writer is near r1 and far from r3; ann is near r1, ben near r3. For which W and R does ben ever read an old value? Is W + R > 3 enough?',
  explanation:
    'With W = 1, R = 1 the write is confirmed by r1 alone, and ben reads the old value from r3, after it. W = 2, R = 1 is no better: one answer need not come from those that confirmed. With W + R > 3 every read meets the last confirmed write, and yet something is wrong with W = 2, R = 2: while the write is under way ann already reads the new value, and after her ben reads the old one, from r2 and r3. Nobody who talks to both can explain that by any order of events. A reader must first make sure that a majority has what it returns (Attiya, Bar-Noy and Dolev 1995). The file store of grp does neither: a log gives every version its number, and a reader asks the log which one is the last.',
  guess: {
    question: 'What does ben read, 150 ms and 650 ms after the write began?',
    options: ['old, and still old', 'old, then new', 'new, and still new'],
    answer: (report) => {
      const reads = [factOf(report, 'ben reads, 150 ms'), factOf(report, 'ben reads, 650 ms')];
      return reads.filter((value) => value === 'new').length;
    },
  },
  seed: 1,
  variant: 'w2r2',
  variants: {
    w1r1: 'one confirms, one is asked',
    w2r1: 'two confirm, one is asked',
    w2r2: 'two confirm, two are asked: W + R > N',
    'write-back': 'the same, and readers write back what they return',
  },
  expect: { w1r1: ['linearizability'], w2r1: ['linearizability'], w2r2: ['linearizability'], 'write-back': [] },
  hidden: [],
  run: (variant, seed) => new Copies(rules[variant] as Rules, variant, seed).run(),
};

class Copies {
  readonly #rules: Rules;
  readonly #variant: string;
  readonly #seed: number;
  readonly #world: World<Host>;
  readonly #tap: TraceTap;
  readonly #history: OperationHistory;
  readonly #held = new Map<string, Versioned>();
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #wires = new Map<string, TypedTransport<Message>>();
  readonly #facts: { readonly what: string; readonly value: string }[] = [];
  #asked = 0;
  #startsAt = 0;

  constructor(given: Rules, variant: string, seed: number) {
    this.#rules = given;
    this.#variant = variant;
    this.#seed = seed;
    this.#tap = new TraceTap(() => this.#world.now);
    const bus = new TypedMessages<Message>();
    this.#world = createWorld<Host>({
      seed,
      start: (host) => {
        const wire = this.#tap.messages(host.name, bus.over(host.transport(port)), describe);
        wire.onReceive((from, message) => this.#receive(host.name, from, message));
        this.#wires.set(host.name, wire);
        return host;
      },
    });
    this.#history = new OperationHistory(() => this.#world.now);
    for (const name of ['writer', ...replicas, 'ann', 'ben']) this.#world.addNode(name);
    for (const name of replicas) this.#held.set(name, { version: 0, value: 'nothing' });
    this.#distances();
  }

  run(): StudyReport {
    const world = this.#world;
    this.#write({ version: 1, value: 'old' });
    world.runFor(2_000);
    this.#startsAt = world.now;
    this.#write({ version: 2, value: 'new' });
    world.runFor(50);
    this.#read('ann');
    world.runFor(100);
    this.#read('ben');
    world.runFor(500);
    this.#read('ben');
    world.runFor(2_000);
    const { violations } = checkLinearizability(this.#history.all(), registerModel, {});
    return {
      variant: this.#variant,
      seed: this.#seed,
      traceHash: world.traceHash(),
      violations,
      facts: this.#facts,
      trace: {
        ...this.#tap.trace(`quorum, ${this.#variant}, seed ${this.#seed}`, this.#startsAt),
        operations: this.#history.all(),
      },
    };
  }

  /** One way, in ms; whoever is not named is 2 to 3 away. */
  #distances(): void {
    const far: readonly (readonly [from: string, to: string, ms: number])[] = [
      ['writer', 'r2', 300],
      ['writer', 'r3', 1_200],
      ['ann', 'r2', 12],
      ['ann', 'r3', 60],
      ['ben', 'r2', 12],
      ['ben', 'r1', 60],
    ];
    this.#world.network.set({ delay: { minMs: 2, maxMs: 3 } });
    for (const [from, to, ms] of far) this.#world.network.set({ delay: { minMs: ms, maxMs: ms + 5 } }, { from, to });
  }

  #write(held: Versioned): void {
    const since = this.#world.now;
    const operation = this.#history.begin({ process: 'writer', f: 'write', key: 'x', value: held.value });
    this.#tap.mark('writer', 'send', `write ${held.value}`);
    this.#put('writer', held, () => {
      operation.ok();
      this.#tap.mark('writer', 'deliver', 'confirmed');
      if (held.version > 1) this.#fact(`confirmed to the writer after`, `${Math.round(this.#world.now - since)} ms`);
    });
  }

  #read(reader: string): void {
    const operation = this.#history.begin({ process: reader, f: 'read', key: 'x' });
    const at = Math.round(this.#world.now - this.#startsAt);
    const answers: Versioned[] = [];
    this.#tap.mark(reader, 'send', 'read');
    const end = ({ value }: Versioned): void => {
      operation.ok(value);
      this.#tap.mark(reader, 'deliver', value);
      this.#fact(`${reader} reads, ${at} ms after the write began`, value);
    };
    this.#ask(reader, { type: 'get' }, (message) => {
      if (message.type === 'get-ack') answers.push(message.held);
      if (message.type !== 'get-ack' || answers.length !== this.#rules.r) return;
      const latest = answers.toSorted((a, b) => b.version - a.version)[0] as Versioned;
      if (this.#rules.writesBack) this.#put(reader, latest, () => end(latest));
      else end(latest);
    });
  }

  #put(from: string, held: Versioned, done: () => void): void {
    let count = 0;
    this.#ask(from, { type: 'put', held }, () => {
      if (++count === this.#rules.w) done();
    });
  }

  #ask(
    from: string,
    question: { readonly type: 'get' } | { readonly type: 'put'; readonly held: Versioned },
    heard: (message: Message) => void,
  ): void {
    const id = ++this.#asked;
    this.#waiting.set(id, heard);
    for (const replica of replicas)
      this.#wires.get(from)?.send(this.#world.address(replica, port), { id, ...question });
  }

  #receive(name: string, from: Address, message: Message): void {
    const wire = this.#wires.get(name);
    const own = this.#held.get(name);
    if (message.type === 'put' && own !== undefined) {
      if (message.held.version > own.version) {
        this.#held.set(name, message.held);
        this.#tap.mark(name, 'state', message.held.value);
      }
      wire?.send(from, { type: 'put-ack', id: message.id });
    } else if (message.type === 'get' && own !== undefined) {
      wire?.send(from, { type: 'get-ack', id: message.id, held: own });
    } else this.#waiting.get(message.id)?.(message);
  }

  #fact(what: string, value: string): void {
    this.#facts.push({ what, value });
  }
}

function describe(message: Message): Described {
  const { type: kind } = message;
  return { kind, label: 'held' in message ? `${kind} ${message.held.value}` : kind };
}
