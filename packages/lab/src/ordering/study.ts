import { decodeMessage, type Order } from '@grp/ordering';
import { createWorld, groupCheckers, History, seededRandom, type GroupEvent, type World } from '@grp/sim';
import type { LabStudy, StudyReport } from '../studies.ts';
import { TraceTap, type Described } from '../trace/tap.ts';
import { Authority } from './authority.ts';
import { OrderingSubject } from './member.ts';

const names = ['ann', 'bob', 'cat', 'dan'];
/** The way from ann to cat is slow; the others are quick. */
const slow = { from: 'ann', to: 'cat' } as const;
const slowMs = 90;
const formMs = 2_000;
const talkMs = 3_000;

/** Four people talk; who sees what in which order? */
export const orderStudy: LabStudy = {
  name: 'order',
  question:
    'ann asks something, bob answers as soon as he sees it, and dan says something of his own at the same time. The way from ann to cat is slow. What does cat see, and do all four see the same?',
  explanation:
    'In FIFO order cat sees the answer of bob before the question of ann: each sender is kept in its own order, and nothing more is promised. In causal order the question comes first everywhere, because bob had seen it when he answered; but what dan said has no cause among the others, and people see it in different places. In total order all four see one row; bob pays for it, and everybody else: each message waits until its sender has heard from all.',
  guess: {
    question: 'What does cat see first, and do all four see the same row?',
    options: [
      'the answer before the question, and rows differ',
      'the question before the answer, and rows differ',
      'the question before the answer, and one row for all',
    ],
    answer: ({ violations }) => {
      const broken = new Set(violations.map(({ checker }) => checker));
      return broken.has('causal order') ? 0 : broken.has('total order') ? 1 : 2;
    },
  },
  seed: 3,
  variant: 'fifo',
  variants: {
    fifo: 'each sender in its own order',
    causal: 'no answer before what it answers (vector clocks)',
    total: 'one row for all (ISIS: propose, agree)',
  },
  expect: { fifo: ['causal order', 'total order'], causal: ['total order'], total: [] },
  hidden: ['ack', 'stable'],
  run: (variant, seed) => new Talk(variant as Order, seed).run(),
};

class Talk {
  readonly #order: Order;
  readonly #seed: number;
  readonly #world: World<OrderingSubject>;
  readonly #tap: TraceTap;
  readonly #history: History<GroupEvent>;
  readonly #rows = new Map<string, string[]>(names.map((name) => [name, []]));
  readonly #delays: number[] = [];
  readonly #sentAt = new Map<string, number>();

  constructor(order: Order, seed: number) {
    this.#order = order;
    this.#seed = seed;
    this.#tap = new TraceTap(() => this.#world.now);
    // All three orders are judged whatever was asked for: that is the lesson.
    const checkers = groupCheckers({ orders: ['fifo', 'causal', 'total'], quorum: 'none', withinMs: 20_000 });
    this.#history = new History<GroupEvent>({ checkers });
    this.#world = createWorld<OrderingSubject>({
      seed,
      network: { delay: { minMs: 2, maxMs: 8 }, mtuBytes: 65_535 },
      start: (host) => {
        const { name } = host;
        const transport: typeof host.transport = (port, options) =>
          this.#tap.datagrams(name, host.transport(port, options), describe);
        return new OrderingSubject(
          { ...host, transport },
          { order, below: 'bare', now: () => this.#world.now, record: (event) => this.#record(event) },
        );
      },
    });
  }

  run(): StudyReport {
    const world = this.#world;
    for (const name of names) world.addNode(name);
    world.network.set({ delay: slowMs }, slow);
    const authority = new Authority(world, seededRandom(this.#seed).fork('authority'));
    authority.change({ add: names.map((name) => ({ id: world.node(name).id, address: world.node(name).address })) });
    world.runFor(formMs);
    const startsAt = world.now;
    this.#say('ann');
    this.#say('dan');
    world.at(startsAt + 30, () => this.#say('dan'));
    world.runFor(talkMs);
    this.#history.record({ type: 'calm', at: world.now });
    world.runFor(1_000);
    const rows = names.map((name) => (this.#rows.get(name) ?? []).join(' '));
    return {
      variant: this.#order,
      seed: this.#seed,
      traceHash: world.traceHash(),
      violations: this.#history.finish(),
      facts: [
        ...names.map((name, index) => ({ what: `${name} sees`, value: rows[index] as string })),
        { what: 'rows that differ', value: String(new Set(rows).size) },
        { what: 'longest wait from saying to seeing', value: `${Math.round(Math.max(...this.#delays))} ms` },
      ],
      trace: this.#tap.trace(`order, ${this.#order}, seed ${this.#seed}`, startsAt),
    };
  }

  #say(name: string): void {
    this.#world.node(name).send();
  }

  #record(event: GroupEvent): void {
    this.#history.record(event);
    const lane = 'node' in event ? (event.node.split('#')[0] as string) : '';
    if (event.type === 'send') {
      this.#sentAt.set(event.message, event.at);
      this.#tap.mark(lane, 'send', short(event.message));
    }
    if (event.type === 'install') this.#tap.mark(lane, 'view', `view ${event.view.id}`);
    if (event.type !== 'deliver') return;
    const label = short(event.message);
    this.#rows.get(lane)?.push(label);
    this.#delays.push(event.at - (this.#sentAt.get(event.message) ?? event.at));
    this.#tap.mark(lane, 'deliver', label);
    this.#world.note('deliver', { node: lane, message: event.message });
    // bob answers what ann asks, as soon as he sees it.
    if (lane === 'bob' && label === 'ann-1') this.#world.at(this.#world.now, () => this.#say('bob'));
  }
}

/** `ann#1:2` is the second thing that ann says: `ann-2`. */
function short(message: string): string {
  const [sender = '', count = ''] = message.split(':');
  return `${sender.split('#')[0] ?? ''}-${count}`;
}

function describe(bytes: Uint8Array): Described {
  const message = decodeMessage(bytes);
  const { type: kind } = message;
  if (message.type !== 'data') return { kind, label: kind };
  const texts = message.payloads.map((payload) => short(new TextDecoder().decode(payload)));
  return { kind, label: texts.join(' ') };
}
