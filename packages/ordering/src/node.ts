import {
  drive,
  Events,
  silentLogger,
  systemClock,
  type Address,
  type Cancel,
  type Clock,
  type Driver,
  type Logger,
  type Machine,
} from '@grp/core';
import type {
  Order,
  Ordering,
  OrderingEvents,
  OrderingMember,
  OrderingStatistics,
  OrderingStatus,
  OrderingView,
} from './api.ts';
import { orderingConfig, type OrderingConfig } from './config.ts';
import type { Effect, Input } from './effects.ts';
import { orderingError } from './errors.ts';
import { OrderingMachine } from './machine.ts';
import type { Message } from './messages.ts';
import type { Links } from './ports.ts';
import { checkView } from './view.ts';
import { decodeMessage } from './wire/decode.ts';
import { encodeMessage } from './wire/encode.ts';

/** What ordered delivery runs on. */
export interface OrderingOptions {
  readonly order: Order;
  readonly self: OrderingMember;
  readonly links: Links;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly config?: Partial<OrderingConfig> | undefined;
  /**
   * Calls back at the end of this turn of the event loop (`setImmediate` in Node): what is sent and received in one turn
   * then travels together. Default: at once.
   */
  readonly defer?: (callback: () => void) => void;
}

/**
 * Makes one member of an ordered group. It is idle until `setView` tells who the members are.
 * @throws GrpError CONFIG_INVALID
 * @example
 * const group = createOrdering({ order: 'total', self: { id, address: links.self }, links });
 * group.on('deliver', (deliveries) => deliveries.forEach(({ sender, payload }) => show(sender, payload)));
 * group.setView({ number: 1, members });
 * group.send(new TextEncoder().encode('hello'));
 */
export function createOrdering(options: OrderingOptions): Ordering {
  return new OrderingNode(options);
}

type AnyEvents = { readonly [Name in keyof OrderingEvents]: Events<OrderingEvents[Name]> };

type NodeEffect = Effect | { readonly type: 'end' };

class OrderingNode implements Ordering {
  readonly self: OrderingMember;
  readonly order: Order;
  readonly #links: Links;
  readonly #logger: Logger;
  readonly #config: OrderingConfig;
  readonly #machine: OrderingMachine;
  readonly #driver: Driver<Input>;
  readonly #events: AnyEvents;
  readonly #cancels: readonly Cancel[];
  readonly #waiting = new Set<{ sequence: number; resolve: () => void; reject: (cause: Error) => void }>();
  /** Taken by `send`; the machine takes them with its next step. */
  #sentCount = 0;
  #queuedBytes = 0;
  #settledSequence = 0;
  /** Something was pushed during this step, so another one follows at once. */
  #isStepDue = false;
  #isClosed = false;

  constructor({ order, self, links, clock = systemClock(), logger = silentLogger, config, defer }: OrderingOptions) {
    this.self = self;
    this.order = order;
    this.#links = links;
    this.#logger = logger;
    this.#config = orderingConfig.resolve(config);
    this.#machine = new OrderingMachine({ self, order, config });
    const events = <Name extends keyof OrderingEvents>(): Events<OrderingEvents[Name]> =>
      new Events((cause) => logger.log('error', 'ordering.listener', { cause: String(cause) }));
    this.#events = {
      deliver: events<'deliver'>(),
      view: events<'view'>(),
      flush: events<'flush'>(),
      excluded: events<'excluded'>(),
      gap: events<'gap'>(),
      settled: events<'settled'>(),
      failed: events<'failed'>(),
    };
    this.#driver = drive<Input, NodeEffect>({
      machine: defer === undefined || links.flush === undefined ? this.#machine : this.#flushing(),
      clock,
      perform: (effect) => this.#perform(effect),
      onFatal: (cause) => this.#fail(cause),
      ...(defer && { defer }),
    });
    this.#cancels = [
      links.onReceive((from, bytes) => this.#push({ type: 'receive', from, message: decodeMessage(bytes) })),
      links.onWritable((peer) => this.#push({ type: 'writable', peer })),
      links.onReset((peer) => this.#push({ type: 'reset', peer })),
    ];
  }

  get status(): OrderingStatus {
    return this.#isClosed ? 'closed' : this.#machine.status;
  }

  get view(): OrderingView | undefined {
    return this.#machine.view;
  }

  send(payload: Uint8Array): boolean {
    this.#checkOpen();
    const { payloadBytesMax, outboxMessagesMax, outboxBytesMax } = this.#config;
    const { length: bytes } = payload;
    if (bytes > payloadBytesMax)
      throw orderingError('ORDERING_PAYLOAD_TOO_LARGE', { context: { bytes, max: payloadBytesMax } });
    const { outbox, lastSequence } = this.#machine;
    if (lastSequence === this.#sentCount) this.#queuedBytes = 0;
    const messages = outbox.messages + this.#sentCount - lastSequence;
    const isFull = messages >= outboxMessagesMax || outbox.bytes + this.#queuedBytes + bytes > outboxBytesMax;
    if (isFull && messages > 0) return false; // a single payload may always wait
    this.#sentCount++;
    this.#queuedBytes += bytes;
    if (this.#push({ type: 'send', payload })) return true;
    this.#sentCount--;
    return false;
  }

  setView(view: OrderingView): void {
    this.#checkOpen();
    checkView(view);
    this.#push({ type: 'view', view });
  }

  on<Name extends keyof OrderingEvents>(event: Name, listener: (value: OrderingEvents[Name]) => void): Cancel {
    return (this.#events[event] as Events<OrderingEvents[Name]>).on(listener);
  }

  async settled(): Promise<void> {
    this.#checkOpen();
    const sequence = this.#sentCount;
    if (this.#settledSequence >= sequence) return;
    await new Promise<void>((resolve, reject) => this.#waiting.add({ sequence, resolve, reject }));
  }

  statistics(): OrderingStatistics {
    return { ...this.#machine.statistics(), status: this.status };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#driver.stop();
    for (const cancel of this.#cancels) cancel();
    this.#rejectWaiting(orderingError('ORDERING_CLOSED'));
    for (const events of Object.values(this.#events)) events.close();
  }

  #perform(effect: NodeEffect): void {
    switch (effect.type) {
      case 'end':
        if (!this.#isStepDue) this.#links.flush?.();
        return;
      case 'transmit':
        this.#transmit(effect.to, effect.message);
        return;
      case 'deliver':
        this.#events.deliver.emit(effect.deliveries);
        return;
      case 'install':
        this.#logger.log('info', 'ordering.view', {
          view: effect.installed.view.number,
          members: effect.installed.view.members.length,
          position: effect.installed.position,
        });
        if (effect.installed.unknownCount > 0)
          this.#rejectWaiting(orderingError('ORDERING_EXCLUDED', { context: { view: effect.installed.view.number } }));
        this.#events.view.emit(effect.installed);
        return;
      case 'flush':
        this.#events.flush.emit({ number: effect.number });
        return;
      case 'excluded':
        this.#logger.log('warn', 'ordering.excluded', { view: effect.number });
        this.#rejectWaiting(orderingError('ORDERING_EXCLUDED', { context: { view: effect.number } }));
        this.#events.excluded.emit({ number: effect.number });
        return;
      case 'gap':
        this.#events.gap.emit(effect.gap);
        return;
      case 'settled':
        this.#settle(effect.sequence);
    }
  }

  #push(input: Input): boolean {
    this.#isStepDue = true;
    return this.#driver.push(input);
  }

  // A turn has ended already when a deferred step runs: what it sends need not wait for the end of the next one.
  #flushing(): Machine<Input, NodeEffect> {
    const machine = this.#machine;
    return {
      step: (inputs, now) => {
        this.#isStepDue = false;
        return [...machine.step(inputs, now), { type: 'end' }];
      },
      nextDeadline: () => machine.nextDeadline(),
    };
  }

  #transmit(to: readonly Address[], message: Message): void {
    const bytes = encodeMessage(message);
    const round = message.type === 'data' ? message.round : undefined;
    for (const peer of to) if (!this.#links.send(peer, bytes)) this.#push({ type: 'full', peer, round });
  }

  #settle(sequence: number): void {
    this.#settledSequence = sequence;
    for (const waiter of this.#waiting) {
      if (waiter.sequence > sequence) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
    this.#events.settled.emit({ sequence });
  }

  #rejectWaiting(cause: Error): void {
    for (const { reject } of this.#waiting) reject(cause);
    this.#waiting.clear();
  }

  #fail(cause: unknown): void {
    this.#logger.log('error', 'ordering.failed', { cause: String(cause) });
    this.#events.failed.emit({ cause });
    this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw orderingError('ORDERING_CLOSED');
  }
}
