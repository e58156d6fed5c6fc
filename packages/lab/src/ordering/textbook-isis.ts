import { below, chance, pick, type Random } from '@grp/core';
import { groupCheckers, History, seededRandom, type GroupEvent, type Violation } from '@grp/sim';

export interface TextbookOptions {
  readonly seed: number;
  /** Whether messages between two processes keep their order. The textbook does not ask for it. */
  readonly links: 'fifo' | 'unordered';
}

interface Packet {
  readonly from: number;
  readonly to: number;
  readonly kind: 'data' | 'propose' | 'final';
  readonly message: string;
  readonly counter: number;
  readonly proposer: number;
}

interface Entry {
  counter: number;
  proposer: number;
  isDeliverable: boolean;
}

/**
 * ISIS as textbooks have it, without a FIFO layer below, over links that lose nothing and may overtake. Its order is
 * total either way; over links that keep their order it is FIFO and causal, too, and over others it is not. It is here
 * to show that the checkers see the difference.
 */
export function runTextbookIsis({ seed, links }: TextbookOptions): readonly Violation[] {
  const random = seededRandom(seed).fork('textbook');
  const history = new History<GroupEvent>({ checkers: groupCheckers({ quorum: 'none' }) });
  const names = Array.from({ length: 3 + below(random, 3) }, (_, index) => `p${index + 1}`);
  const network: Packet[] = [];
  const processes = names.map(
    (node, rank) =>
      new Process(rank, names.length, {
        send: (packet) => network.push(packet),
        deliver: (message) =>
          history.record({ type: 'deliver', at: 0, node, message, sender: message.split(':')[0] as string, view: 1 }),
      }),
  );
  for (const node of names) history.record({ type: 'install', at: 0, node, view: { id: 1, members: names } });
  for (let left = 10 + below(random, 20), count = 0; left > 0 || network.length > 0;) {
    const isSending = left > 0 && (network.length === 0 || chance(random, 0.3));
    if (isSending) {
      left--;
      const rank = below(random, names.length);
      const node = names[rank] as string;
      const message = `${node}:${++count}`;
      history.record({ type: 'send', at: 0, node, message });
      processes[rank]?.send(message);
    } else {
      const packet = take(network, links, random);
      processes[packet.to]?.receive(packet);
    }
  }
  history.record({ type: 'calm', at: 0 });
  return history.finish();
}

// Over FIFO links only the oldest message of each pair can come next.
function take(network: Packet[], links: TextbookOptions['links'], random: Random): Packet {
  const chosen = pick(random, network) as Packet;
  const next =
    links === 'unordered'
      ? chosen
      : (network.find(({ from, to }) => from === chosen.from && to === chosen.to) as Packet);
  network.splice(network.indexOf(next), 1);
  return next;
}

interface ProcessPorts {
  readonly send: (packet: Packet) => void;
  readonly deliver: (message: string) => void;
}

class Process {
  readonly #rank: number;
  readonly #count: number;
  readonly #ports: ProcessPorts;
  #clock = 0;
  readonly #queue = new Map<string, Entry>();
  readonly #early = new Map<string, Packet>();
  readonly #polls = new Map<string, { heard: number; counter: number; proposer: number }>();

  constructor(rank: number, count: number, ports: ProcessPorts) {
    this.#rank = rank;
    this.#count = count;
    this.#ports = ports;
  }

  send(message: string): void {
    this.#polls.set(message, { heard: 0, counter: 0, proposer: 0 });
    this.#multicast({ kind: 'data', message, counter: 0, proposer: 0 });
  }

  receive(packet: Packet): void {
    if (packet.kind === 'data') this.#propose(packet);
    else if (packet.kind === 'propose') this.#hear(packet);
    else this.#agree(packet);
  }

  #propose({ from, message }: Packet): void {
    this.#queue.set(message, { counter: ++this.#clock, proposer: this.#rank, isDeliverable: false });
    const own = { counter: this.#clock, proposer: this.#rank };
    this.#ports.send({ from: this.#rank, to: from, kind: 'propose', message, ...own });
    const early = this.#early.get(message);
    if (early !== undefined) this.#agree(early);
  }

  #hear({ message, counter, proposer }: Packet): void {
    const poll = this.#polls.get(message);
    if (poll === undefined) return;
    poll.heard++;
    if (counter > poll.counter || (counter === poll.counter && proposer > poll.proposer))
      Object.assign(poll, { counter, proposer });
    if (poll.heard < this.#count) return;
    this.#multicast({ kind: 'final', message, counter: poll.counter, proposer: poll.proposer });
  }

  #agree(packet: Packet): void {
    const { message, counter, proposer } = packet;
    const entry = this.#queue.get(message);
    if (entry === undefined) {
      this.#early.set(message, packet);
      return;
    }
    this.#clock = Math.max(this.#clock, counter);
    Object.assign(entry, { counter, proposer, isDeliverable: true });
    for (let head = this.#head(); head?.[1].isDeliverable === true; head = this.#head()) {
      this.#queue.delete(head[0]);
      this.#ports.deliver(head[0]);
    }
  }

  #head(): [string, Entry] | undefined {
    let first: [string, Entry] | undefined;
    for (const item of this.#queue) {
      const [, { counter, proposer }] = item;
      const [, least] = first ?? [];
      const isBefore =
        least === undefined || counter < least.counter || (counter === least.counter && proposer < least.proposer);
      if (isBefore) first = item;
    }
    return first;
  }

  #multicast(packet: Omit<Packet, 'from' | 'to'>): void {
    for (let to = 0; to < this.#count; to++) this.#ports.send({ ...packet, from: this.#rank, to });
  }
}
