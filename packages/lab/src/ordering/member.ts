import { silentLogger, type Address, type Cancel, type NodeId, type Transport } from '@grp/core';
import { createLinks } from '@grp/link';
import {
  createOrdering,
  decodeMessage,
  type Links,
  type Order,
  type Ordering,
  type OrderingConfig,
  type OrderingView,
} from '@grp/ordering';
import type { GroupEvent, Host } from '@grp/sim';

export const orderingPort = 7_948;

/** What is below ordering: `link`, or datagrams as they come, with all their trouble. */
export type Below = 'link' | 'bare';

/** Queues that fill up in a run: what they refuse is part of the trouble. */
const narrow = { queueBytesMax: 4_096 };

export interface OrderingMemberOptions {
  readonly order: Order;
  readonly below: Below;
  readonly config?: Partial<OrderingConfig> | undefined;
  /** In the world's time. */
  readonly now: () => number;
  readonly record: (event: GroupEvent) => void;
}

/** One life of one member in the simulator: it sends numbered messages, and records what happens to it. */
export class OrderingSubject {
  /** `name#life`. */
  readonly id: NodeId;
  readonly address: Address;
  readonly group: Ordering;
  readonly #host: Host;
  readonly #options: OrderingMemberOptions;
  /** Datagrams that it still sends before it crashes. */
  #datagramsLeft = Infinity;
  #sentDatagrams = 0;
  #isLast: (kind: string) => boolean = () => false;
  #sentMessages = 0;
  #isAlive = true;
  #hasView = false;
  /** What went wrong that no checker of the group looks at. */
  readonly faults: string[] = [];

  constructor(host: Host, options: OrderingMemberOptions) {
    this.#host = host;
    this.#options = options;
    this.id = `${host.name}#${host.incarnation}` as NodeId;
    const transport = this.#counted(
      host.transport(orderingPort, options.below === 'bare' ? { maxPayloadBytes: 60_000 } : {}),
    );
    this.address = transport.self;
    const { clock, random } = host;
    const links =
      options.below === 'bare'
        ? bareLinks(transport)
        : createLinks({ transport, clock, random: random.fork('link'), logger: silentLogger, config: narrow });
    const { order, config } = options;
    this.group = createOrdering({ order, self: { id: this.id, address: this.address }, links, clock, config });
    this.#record({ type: 'start' });
    this.#listen();
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** It is going to die by itself. */
  get isDoomed(): boolean {
    return this.#datagramsLeft < Infinity;
  }

  get sentDatagrams(): number {
    return this.#sentDatagrams;
  }

  /** Sends the next message; its text is its name. */
  send(): void {
    if (!this.#isAlive) return;
    const message = `${this.id}:${++this.#sentMessages}`;
    this.#record({ type: 'send', message, payload: message });
    if (!this.group.send(new TextEncoder().encode(message))) this.faults.push(`${message} was refused`);
  }

  /** After so many more datagrams it dies, whatever it is about to do: in the middle of a multicast, or of a flush. */
  crashAfter(datagrams: number): void {
    this.#datagramsLeft = datagrams;
  }

  /** Asked before each of its messages (without links below), by kind: yes, and it dies instead of sending it. */
  aim(isLast: (kind: string) => boolean): void {
    this.#isLast = isLast;
  }

  /** The authority over the group tells it a view. */
  tell(view: OrderingView): void {
    if (this.#isAlive) this.group.setView(view);
  }

  /** It asks to leave. */
  leave(): void {
    this.#record({ type: 'leave' });
    this.#isAlive = false; // what it still delivers on its way out binds nobody
  }

  die(reason: string): void {
    if (this.#isAlive) this.#record({ type: 'crash' });
    this.#isAlive = false;
    this.#host.exit(reason);
  }

  #listen(): void {
    const { group } = this;
    const decoder = new TextDecoder();
    group.on('view', ({ view: { number, members }, isFresh }) => {
      if (isFresh && this.#hasView) this.#record({ type: 'exclude' });
      this.#hasView = true;
      this.#record({ type: 'install', view: { id: number, members: members.map(({ id }) => id) } });
    });
    group.on('excluded', () => {
      if (this.#hasView) this.#record({ type: 'exclude' });
      this.#hasView = false;
    });
    group.on('deliver', (deliveries) => {
      for (const { view, sender, position, payload } of deliveries) {
        const message = decoder.decode(payload);
        const sequence = this.#options.order === 'total' ? { sequence: position } : {};
        this.#record({ type: 'deliver', message, payload: message, sender, view, ...sequence });
      }
    });
    group.on('failed', ({ cause }) => this.faults.push(cause instanceof Error ? (cause.stack ?? cause.message) : '?'));
  }

  #record(event: Untimed<GroupEvent>): void {
    if (!this.#isAlive) return;
    this.#options.record({ ...event, at: this.#options.now(), node: this.id });
  }

  #counted(transport: Transport): Transport {
    return {
      self: transport.self,
      maxPayloadBytes: transport.maxPayloadBytes,
      delivery: transport.delivery,
      send: (to, payload) => {
        if (!this.#isAlive && this.#datagramsLeft <= 0) return;
        if (this.#isAlive && this.#isLast(decodeMessage(payload).type)) {
          this.#datagramsLeft = 0;
          this.die('it has come to the step that it was to die in');
          return;
        }
        if (this.#datagramsLeft <= 0) {
          this.die('its number of datagrams is up');
          return;
        }
        this.#datagramsLeft--;
        this.#sentDatagrams++;
        transport.send(to, payload);
      },
      onReceive: (listener) => transport.onReceive(listener),
      close: () => transport.close(),
    };
  }
}

type Untimed<Event> = Event extends { readonly node: string } ? Omit<Event, 'at' | 'node'> : never;

/** Datagrams dressed up as links: they are lost, doubled and out of order, and nobody says so. */
export function bareLinks(transport: Transport): Links {
  const never = (): Cancel => () => {};
  return {
    self: transport.self,
    send(to, message) {
      transport.send(to, message);
      return true;
    },
    onReceive: (listener) => transport.onReceive(listener),
    onWritable: never,
    onReset: never,
  };
}
