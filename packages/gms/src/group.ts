import { drive, Events, silentLogger, systemClock, systemRandom, type Cancel, type Driver } from '@grp/core';
import type { Address, Logger, NodeId } from '@grp/core';
import type { DeliveredMark, Delivery, Group, GroupEvents, GroupMember, GroupStatus } from './api.ts';
import type { MulticastOptions, Receipt, View } from './api.ts';
import { deliveredBatch, eachDelivery, type DeliveredBatch } from './batch.ts';
import { Captures } from './captures.ts';
import { decode, encode } from './codec.ts';
import { gmsConfig, type GmsConfig } from './config.ts';
import type { Effect, Input } from './effects.ts';
import { gmsError } from './errors.ts';
import { Joining } from './joining.ts';
import { GroupMachine } from './machine.ts';
import { Outbox } from './outbox.ts';
import type { GroupHandle, GroupOptions, GroupPorts } from './options.ts';
import { Receipts } from './receipts.ts';
import { Restores } from './restores.ts';
import type { Batch } from './row.ts';

/**
 * Makes one member of a group. Nothing starts before `join()`.
 * @throws GrpError CONFIG_INVALID
 * @example
 * const group = createGroup({ links, detector, defer: setImmediate }, { name: 'ann' });
 * group.on('message', ({ sequence, payload }) => console.log(sequence, payload));
 * await group.join(['127.0.0.1:7947' as Address]);
 * await group.multicast(new TextEncoder().encode('hello'));
 */
export function createGroup(ports: GroupPorts, options: GroupOptions = {}): GroupHandle {
  return new GroupNode(ports, options);
}

class GroupNode implements GroupHandle {
  readonly self: GroupMember;
  readonly #config: GmsConfig;
  readonly #ports: GroupPorts;
  readonly #logger: Logger;
  readonly #machine: GroupMachine;
  readonly #driver: Driver<Input>;
  readonly #outbox: Outbox;
  readonly #receipts: Receipts;
  readonly #captures: Captures;
  readonly #restores: Restores;
  readonly #joining: Joining;
  readonly #events: { readonly [Name in keyof GroupEvents]: Events<GroupEvents[Name]> };
  readonly #batches: Events<DeliveredBatch>;
  readonly #cancels: Cancel[] = [];
  #messageListeners = 0;
  #batchListeners = 0;
  #isFlushAsked = false;
  #isClosed = false;
  #view: View | undefined;
  #hasFannedOut = false;
  #crash: { sends: number; readonly perform: () => void } | undefined;

  constructor(ports: GroupPorts, options: GroupOptions) {
    const { links, clock = systemClock(), random = systemRandom(), logger = silentLogger } = ports;
    const { name = links.self, group = 'default', delivery = 'agreed', quorum = 'majority', state } = options;
    const id = options.id ?? (`${name}#${Math.round(clock.wallMs())}` as NodeId);
    this.self = { id, name, address: links.self };
    this.#ports = ports;
    this.#logger = logger;
    this.#config = gmsConfig.resolve(options.config);
    const { self } = this;
    const config = this.#config;
    const machine = new GroupMachine({
      self,
      group,
      delivery,
      quorum,
      config,
      random: random.fork(`gms:${id}`),
      frameBytes: links.frameBytes,
    });
    this.#machine = machine;
    const push = (input: Input): void => void this.#driver.push(input);
    const onListenerError = (cause: unknown): void => this.#fault('gms.listener-failed', cause);
    this.#events = eventsOf(onListenerError);
    this.#batches = new Events(onListenerError);
    this.#outbox = new Outbox({
      links,
      bytesMax: config.outboxBytesMax,
      onOverflow: (peer) => push({ type: 'reset', peer }),
    });
    this.#receipts = new Receipts(clock);
    this.#captures = new Captures(state, push);
    this.#restores = new Restores(state, push);
    this.#joining = new Joining({ clock, config, push, view: () => this.#view });
    this.#driver = drive<Input, Effect>({
      machine: {
        step: (inputs, now) => {
          this.#isFlushAsked = false;
          return machine.step(inputs, now);
        },
        nextDeadline: () => machine.nextDeadline(),
      },
      clock,
      perform: (effect) => this.#perform(effect),
      onFatal: (cause) => this.#onFatal(cause),
      ...(ports.defer && { defer: ports.defer }),
    });
    this.#listen(push);
  }

  get status(): GroupStatus {
    return this.#isClosed ? 'closed' : this.#machine.status;
  }

  get view(): View | undefined {
    return this.#view;
  }

  get delivered(): DeliveredMark {
    return this.#machine.delivered;
  }

  join(seeds: readonly Address[] = [], options: MulticastOptions = {}): Promise<View> {
    if (this.#isClosed || this.#machine.status === 'left') return Promise.reject(gmsError('GMS_CLOSED'));
    if (options.signal?.aborted === true) return Promise.reject(options.signal.reason);
    return this.#joining.join(seeds, options);
  }

  multicast(payload: Uint8Array, options: MulticastOptions = {}): Promise<Receipt> {
    if (options.signal?.aborted === true) return Promise.reject(options.signal.reason);
    if (this.#receipts.count >= this.#config.pendingMax)
      return Promise.reject(gmsError('GMS_BUSY', { context: { what: 'multicasts' } }));
    try {
      this.#checkSend(payload);
    } catch (cause) {
      return Promise.reject(cause);
    }
    const number = this.#append(payload);
    if (number === undefined) return Promise.reject(gmsError('GMS_BUSY', { context: { what: 'messages' } }));
    return this.#receipts.wait(number, options);
  }

  post(payload: Uint8Array): boolean {
    this.#checkSend(payload);
    return this.#append(payload) !== undefined;
  }

  on<Name extends keyof GroupEvents>(event: Name, listener: (value: GroupEvents[Name]) => void): Cancel {
    const cancel = this.#events[event].on(listener);
    if (event !== 'message') return cancel;
    this.#messageListeners++;
    return once(() => {
      cancel();
      this.#messageListeners--;
    });
  }

  onBatch(listener: (batch: DeliveredBatch) => void): Cancel {
    const cancel = this.#batches.on(listener);
    this.#batchListeners++;
    return once(() => {
      cancel();
      this.#batchListeners--;
    });
  }

  messages(options: Parameters<Group['messages']>[0] = {}): AsyncIterableIterator<Delivery> {
    let behind = 0;
    const onDropped = (count: number): void => {
      behind += count;
      options.onDropped?.(count);
    };
    this.#messageListeners++;
    const deliveries = this.#events.message.iterate({ ...options, onDropped });
    const release = once(() => void this.#messageListeners--);
    return (async function* read(): AsyncGenerator<Delivery, void, void> {
      try {
        for await (const delivery of deliveries) {
          if (behind > 0) throw gmsError('GMS_READER_BEHIND', { context: { count: behind } });
          yield delivery;
        }
      } finally {
        release();
      }
    })();
  }

  async leave(options: MulticastOptions = {}): Promise<void> {
    if (this.#isClosed) return;
    await this.#joining.leave({ timeoutMs: this.#config.leaveTimeoutMs, ...options });
    this.#receipts.rejectAll(gmsError('GMS_OUTCOME_UNKNOWN', { context: { reason: 'this member has left' } }));
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    this.#driver.stop();
    for (const cancel of this.#cancels) cancel();
    this.#restores.abort();
    this.#joining.failAll(gmsError('GMS_CLOSED'));
    this.#receipts.rejectAll(gmsError('GMS_OUTCOME_UNKNOWN', { context: { reason: 'this member was closed' } }));
    for (const events of Object.values(this.#events)) events.close();
    this.#batches.close();
    return Promise.resolve();
  }

  figures(): ReturnType<GroupHandle['figures']> {
    return { ...this.#machine.queues, outboxBytes: this.#outbox.bytes, dropped: this.#machine.drops };
  }

  crashAfterSends(count: number, crash: () => void): void {
    if (count <= 0) crash();
    else this.#crash = { sends: count, perform: crash };
  }

  #listen(push: (input: Input) => void): void {
    const { links, detector } = this.#ports;
    this.#cancels.push(
      links.onReceive((from, bytes) => {
        const message = decode(bytes);
        if (message === undefined) this.#machine.noteMalformed();
        else push({ type: 'message', from, message });
      }),
      links.onReset((peer) => push({ type: 'reset', peer })),
      links.onTrouble((peer) => push({ type: 'trouble', peer })),
      links.onWritable((peer) => this.#outbox.drain(peer)),
      detector.onSuspect((member) => push({ type: 'suspect', member })),
      detector.onTrust((member) => push({ type: 'trust', member })),
    );
  }

  /** @throws GrpError GMS_CLOSED, GMS_PAYLOAD_TOO_LARGE, GMS_NOT_JOINED, GMS_NO_QUORUM */
  #checkSend(payload: Uint8Array): void {
    const { payloadBytesMax: max } = this.#config;
    const { status } = this;
    if (status === 'closed' || status === 'left') throw gmsError('GMS_CLOSED');
    if (payload.length > max) throw gmsError('GMS_PAYLOAD_TOO_LARGE', { context: { bytes: payload.length, max } });
    if (status === 'joining' || status === 'excluded') throw gmsError('GMS_NOT_JOINED', { context: { status } });
    if (this.#machine.isMinority) throw gmsError('GMS_NO_QUORUM');
    if (this.#joining.isLeaving) throw gmsError('GMS_CLOSED');
  }

  #append(payload: Uint8Array): number | undefined {
    const number = this.#machine.post(payload);
    if (this.#isFlushAsked) return number;
    this.#isFlushAsked = true;
    this.#driver.push({ type: 'flush' });
    return number;
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        return this.#outbox.send(effect.to, encode(effect.message), effect.isRetry === true);
      case 'fan-out':
        return this.#fanOut(effect.to, encode(effect.message));
      case 'deliver':
        return this.#deliver(effect.batch);
      case 'view':
        this.#view = effect.change.view;
        return this.#events.view.emit(effect.change);
      case 'stable':
        return this.#events.stable.emit({ sequence: effect.sequence });
      case 'hint':
        return this.#ports.detector.hint(effect.member);
      case 'watch':
        return this.#ports.detector.watch?.(effect.members);
      case 'forget':
        this.#outbox.forget(effect.peer);
        return this.#ports.links.forget(effect.peer);
      case 'log':
        return this.#logger.log('info', effect.event, effect.fields);
      default:
        return this.#performRare(effect);
    }
  }

  #performRare(effect: Effect): void {
    switch (effect.type) {
      case 'blocked':
        if (effect.reason === 'minority')
          this.#receipts.rejectAll(
            gmsError('GMS_NO_QUORUM', { hint: 'It may still be delivered when the network heals.' }),
          );
        return this.#events.blocked.emit({ reason: effect.reason });
      case 'unblocked':
        return this.#view && this.#events.unblocked.emit({ view: this.#view });
      case 'excluded':
        return this.#events.excluded.emit({ view: effect.view });
      case 'covered': {
        const context = { reason: 'it was left out of the group meanwhile' };
        return this.#receipts.covered(effect.next, gmsError('GMS_OUTCOME_UNKNOWN', { context }));
      }
      case 'joined':
      case 'join-failed':
      case 'left':
        return this.#joining.onEffect(effect);
      case 'capture':
        return this.#captures.capture(effect.donation);
      case 'draw':
        return this.#captures.draw(effect.donation);
      case 'end-capture':
        return this.#captures.end(effect.donation);
      case 'restore':
        return this.#restores.begin(effect.transfer);
      case 'restore-chunk':
        return this.#restores.chunk(effect.bytes, effect.isLast);
      case 'restore-abort':
        return this.#restores.abort();
      default:
        return;
    }
  }

  #fanOut(to: readonly Address[], bytes: Uint8Array): void {
    this.#hasFannedOut = true;
    for (const peer of to) {
      if (this.#crash !== undefined && this.#crash.sends-- <= 0) {
        const { perform } = this.#crash;
        this.#crash = undefined;
        void this.close();
        return perform();
      }
      this.#outbox.send(peer, bytes, false);
    }
  }

  #deliver(batch: Batch): void {
    // A leader shows nobody what is not on its way to the others: it may die before this turn ends.
    if (this.#hasFannedOut) this.#ports.links.flush?.();
    this.#hasFannedOut = false;
    if (this.#receipts.count > 0) {
      let sequence = batch.first;
      for (const { rank, first, count } of batch.segments) {
        const isOwn = batch.table.selfRank === rank;
        if (isOwn) this.#receipts.delivered(first, count, sequence, batch.table.view.id);
        sequence += count;
      }
    }
    if (this.#batchListeners > 0) this.#batches.emit(deliveredBatch(batch));
    if (this.#messageListeners > 0) eachDelivery(batch, (delivery) => this.#events.message.emit(delivery));
  }

  #fault(event: string, cause: unknown): void {
    this.#logger.log('error', event, { reason: cause instanceof Error ? cause.message : String(cause) });
  }

  // A bug: a member that does not know any more what it does says nothing more.
  #onFatal(cause: unknown): void {
    this.#fault('gms.fatal', cause);
    void this.close();
  }
}

function eventsOf(onListenerError: (cause: unknown) => void) {
  return {
    view: new Events<GroupEvents['view']>(onListenerError),
    message: new Events<GroupEvents['message']>(onListenerError),
    stable: new Events<GroupEvents['stable']>(onListenerError),
    blocked: new Events<GroupEvents['blocked']>(onListenerError),
    unblocked: new Events<GroupEvents['unblocked']>(onListenerError),
    excluded: new Events<GroupEvents['excluded']>(onListenerError),
  };
}

function once(action: () => void): Cancel {
  let isDone = false;
  return () => {
    if (!isDone) action();
    isDone = true;
  };
}
