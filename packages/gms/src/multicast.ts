import type { Address } from '@grp/core';
import type { ViewChange } from './api.ts';
import { bodyOf } from './frames.ts';
import { headerBytes } from './frames.ts';
import type { AckMessage, OrderedMessage, RequestMessage, StableMessage } from './messages.ts';
import { requestMessage } from './own-requests.ts';
import { Pace } from './pace.ts';
import type { Batch } from './row.ts';
import type { Runtime } from './runtime.ts';
import { Sequencer } from './sequencer.ts';
import type { ViewTable } from './view-table.ts';

interface Install {
  readonly table: ViewTable;
  readonly change: ViewChange;
}

/**
 * Messages within a view: own requests to the leader, the row from the leader, acks, stability, and deliveries, between
 * which the views take their place.
 */
export class Multicast {
  readonly #runtime: Runtime;
  #sequencer: Sequencer | undefined;
  #pace: Pace;
  /** By rank: how much each member holds, as the leader knows. */
  #acks: number[] = [];
  /** By rank: was anything heard of it in this view? Then it has installed it. */
  #heard: boolean[] = [];
  /** Views that are installed as soon as what was before them is delivered. */
  #installs: Install[] = [];
  #ackedAt = 0;
  #unackedBytes = 0;
  #toldStable = 0;
  #emittedStable = 0;
  #hasOrdered = false;
  #hasRequested = false;
  /** It has ordered something in this view. */
  #isLeading = false;
  /** Since when the leader waits for the slowest member. */
  #stalledSince: number | undefined;
  #isFlowBlocked = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#pace = new Pace(runtime.config.paceBytes);
  }

  get stalledSince(): number | undefined {
    return this.#stalledSince;
  }

  hasHeard(rank: number): boolean {
    return this.#heard[rank] === true;
  }

  heard(rank: number): void {
    this.#heard[rank] = true;
  }

  /** The member that holds least. */
  slowest(): number {
    const least = Math.min(...this.#acks.filter((_, rank) => rank !== 0));
    return this.#acks.indexOf(least, 1);
  }

  onRequest(rank: number, from: Address, message: RequestMessage): void {
    const runtime = this.#runtime;
    this.#acked(rank, message.received);
    if (this.#sequencer === undefined || runtime.wedgedAt !== undefined) return; // it will come again in the next view
    const acceptance = this.#sequencer.accept(rank, message.first, message.count, bodyOf(message));
    if (acceptance === 'gap' && runtime.mayRepeat(`resend ${from}`))
      runtime.send(from, { kind: 'resend', nextRequest: this.#sequencer.expected(rank) });
  }

  /** From the leader, or from whoever fills a gap of ours: the frames are the same. */
  onOrdered(from: Address, message: OrderedMessage): void {
    const { row, table } = this.#runtime;
    if (message.first + message.count - 1 <= row.received) return;
    if (table === undefined || message.first !== row.received + 1) return this.need(from);
    this.#hold(table, message);
    this.#unackedBytes += message.frame.length;
    if (this.#runtime.wedgedAt === undefined) this.#learnStable(message.stable);
  }

  onAck(rank: number, { received }: AckMessage): void {
    this.#acked(rank, received);
  }

  onStable(from: Address, { stable, last }: StableMessage): void {
    if (this.#runtime.wedgedAt !== undefined) return;
    this.#learnStable(stable);
    if (last > this.#runtime.row.received) this.need(from);
  }

  /** Asks for what comes next. */
  need(from: Address): void {
    const runtime = this.#runtime;
    if (runtime.mayRepeat(`need ${from}`)) runtime.send(from, { kind: 'need', received: runtime.row.received });
  }

  /** The links to the leader began anew. */
  leaderReset(leader: Address): void {
    this.need(leader);
    this.#runtime.own.resend();
  }

  /** All that one step brought is in: sends, orders, delivers, acknowledges. */
  endStep(): void {
    const runtime = this.#runtime;
    this.#hasOrdered = false;
    this.#hasRequested = false;
    if (runtime.table !== undefined && runtime.wedgedAt === undefined) {
      this.#updateStable();
      this.#release(); // before anything is ordered, because what is kept limits that
      if (runtime.isSettled) this.#sendOwn(runtime.table);
      if (this.#sequencer !== undefined) this.#order(runtime.table, this.#sequencer);
    }
    this.deliver();
    if (runtime.table !== undefined && runtime.wedgedAt === undefined) this.#acknowledge(runtime.table);
    this.#watchQueue();
  }

  /** Delivers what may be delivered, and installs the views that come between. */
  deliver(): void {
    const runtime = this.#runtime;
    const { row, options } = runtime;
    if (!runtime.isSettled) return;
    for (;;) {
      const install = this.#installs[0];
      const open = options.delivery === 'agreed' ? (runtime.wedgedAt ?? row.received) : row.stable;
      const limit = install?.table.proposal.cut ?? open;
      for (let batch = row.deliverNext(limit); batch !== undefined; batch = row.deliverNext(limit))
        runtime.emit({ type: 'deliver', batch });
      if (install === undefined) break;
      this.#installs.shift();
      row.counts.install(install.table.proposal.places, runtime.config.goneMax);
      runtime.emit({ type: 'view', change: install.change });
    }
    this.#release();
  }

  /** A view was decided: what is before it in the row is delivered first. */
  install(table: ViewTable, change: ViewChange): void {
    const runtime = this.#runtime;
    this.#installs.push({ table, change });
    this.#sequencer = table.isLeader ? new Sequencer(table, runtime.options.frameBytes) : undefined;
    this.#pace = new Pace(runtime.config.paceBytes);
    this.#acks = table.view.members.map(() => 0);
    this.#heard = table.view.members.map((_, rank) => rank === table.selfRank);
    this.#stalledSince = undefined;
    this.#isLeading = false;
    this.#unackedBytes = 0;
    const { heartbeatMs } = runtime.config;
    if (table.isLeader && table.size > 1) runtime.deadlines.set('heartbeat', runtime.now + heartbeatMs);
    else runtime.deadlines.delete('heartbeat');
    for (const key of ['ack', 'stable', 'slow'] as const) runtime.deadlines.delete(key);
  }

  /** Tells the leader, and whoever brought the view, that it is installed. */
  confirm(table: ViewTable, broughtBy: Address | undefined): void {
    const { row } = this.#runtime;
    const message: AckMessage = { kind: 'ack', ...table.stamp, received: row.received };
    const to = new Set([table.leader.address, ...(broughtBy === undefined ? [] : [broughtBy])]);
    for (const peer of to)
      if (peer !== this.#runtime.self.address) this.#runtime.emit({ type: 'send', to: peer, message });
    this.#ackedAt = row.received;
  }

  /** The state is there: only the newest view that lies before it is told, as the first one. */
  begin(sequence: number): void {
    const before = this.#installs.filter(({ table }) => table.proposal.cut <= sequence);
    const first = before.at(-1);
    this.#installs = this.#installs.filter((install) => !before.includes(install));
    if (first === undefined) return;
    const { view } = first.table;
    this.#installs.unshift({ table: first.table, change: { view, joined: view.members, gone: [] } });
    this.#emittedStable = sequence;
  }

  /** Out of the group: nothing of the view is left. */
  reset(): void {
    this.#sequencer = undefined;
    this.#installs = [];
    this.#acks = [];
    this.#heard = [];
    for (const key of ['ack', 'stable', 'heartbeat', 'slow'] as const) this.#runtime.deadlines.delete(key);
  }

  onDeadline(key: 'ack' | 'stable' | 'heartbeat'): void {
    const { table, wedgedAt, deadlines, now, config } = this.#runtime;
    if (table === undefined || wedgedAt !== undefined) return;
    if (key === 'ack') this.#sendAck(table);
    else this.#tellStable(table);
    if (key === 'heartbeat') deadlines.set('heartbeat', now + config.heartbeatMs);
  }

  #sendOwn(table: ViewTable): void {
    const runtime = this.#runtime;
    const { own, row } = runtime;
    for (let batch = own.take(); batch !== undefined; batch = own.take()) {
      if (this.#sequencer !== undefined) {
        this.#sequencer.accept(table.selfRank, batch.first, batch.count, batch.frame.subarray(headerBytes));
        continue;
      }
      const message = requestMessage(batch, table.stamp, row.received);
      runtime.emit({ type: 'send', to: table.leader.address, message });
      this.#hasRequested = true;
    }
    if (this.#hasRequested) this.#noteAcked();
  }

  #order(table: ViewTable, sequencer: Sequencer): void {
    const runtime = this.#runtime;
    const { row, config } = runtime;
    this.#pace.acked(this.#acks);
    while (row.bytes < config.unstableBytesMax && this.#pace.isOpen) {
      const message = sequencer.next(row.received + 1, row.stable);
      if (message === undefined) break;
      if (table.others.length > 0) runtime.emit({ type: 'fan-out', to: table.others, message });
      this.#hold(table, message);
      if (table.others.length > 0) this.#pace.sent(row.received, message.frame.length);
      this.#hasOrdered = true;
    }
    if (this.#hasOrdered) {
      this.#toldStable = row.stable;
      if (!this.#isLeading) runtime.log('gms.leads', { view: table.view.id });
      this.#isLeading = true;
    }
    this.#updateStable();
    this.#watchStall(sequencer.waitingBytes > 0);
  }

  #hold(table: ViewTable, message: OrderedMessage): void {
    const { row, own } = this.#runtime;
    const batch: Batch = row.append(table, message);
    for (const { rank, first } of batch.segments) if (rank === table.selfRank) own.ordered(first, batch.last);
  }

  #acked(rank: number, received: number): void {
    if (received > (this.#acks[rank] ?? Infinity)) this.#acks[rank] = received;
  }

  // All hold what the one that holds least holds.
  #updateStable(): void {
    if (this.#sequencer === undefined) return;
    const { row } = this.#runtime;
    this.#acks[0] = row.received;
    let least = row.received;
    for (const received of this.#acks) if (received < least) least = received;
    this.#learnStable(least);
  }

  #learnStable(stable: number): void {
    const { row } = this.#runtime;
    if (stable > row.stable) row.stable = Math.min(stable, row.received);
  }

  #acknowledge(table: ViewTable): void {
    const { row, options, config, deadlines, now } = this.#runtime;
    const isSafe = options.delivery === 'safe';
    if (this.#sequencer !== undefined) {
      if (row.stable <= this.#toldStable || table.others.length === 0) return;
      if (isSafe) this.#tellStable(table);
      else if (deadlines.get('stable') === undefined) deadlines.set('stable', now + config.stableDelayMs);
    } else if (row.received > this.#ackedAt) {
      if (isSafe || this.#unackedBytes >= config.ackBytes) this.#sendAck(table);
      else if (deadlines.get('ack') === undefined) deadlines.set('ack', now + config.ackDelayMs);
    }
  }

  #sendAck(table: ViewTable): void {
    const { row } = this.#runtime;
    if (table.isLeader || row.received <= this.#ackedAt) return;
    const message: AckMessage = { kind: 'ack', ...table.stamp, received: row.received };
    this.#runtime.emit({ type: 'send', to: table.leader.address, message });
    this.#noteAcked();
  }

  #noteAcked(): void {
    this.#ackedAt = this.#runtime.row.received;
    this.#unackedBytes = 0;
    this.#runtime.deadlines.delete('ack');
  }

  #tellStable(table: ViewTable): void {
    const { row, deadlines } = this.#runtime;
    deadlines.delete('stable');
    this.#toldStable = row.stable;
    const message: StableMessage = { kind: 'stable', ...table.stamp, stable: row.stable, last: row.received };
    if (table.others.length > 0) this.#runtime.emit({ type: 'fan-out', to: table.others, message });
  }

  #release(): void {
    const { row, own } = this.#runtime;
    const sequence = Math.min(row.stable, row.delivered);
    row.release(row.stable);
    if (sequence <= this.#emittedStable) return;
    own.release(sequence);
    this.#emittedStable = sequence;
    this.#runtime.emit({ type: 'stable', sequence });
  }

  #watchStall(isStalled: boolean): void {
    const { deadlines, now, config } = this.#runtime;
    if (!isStalled) {
      this.#stalledSince = undefined;
      deadlines.delete('slow');
    } else if (this.#stalledSince === undefined) {
      this.#stalledSince = now;
      deadlines.set('slow', now + config.slowHintMs);
    }
  }

  // The sender's side of flow control: full, then half empty again.
  #watchQueue(): void {
    const { own, config } = this.#runtime;
    if (!this.#isFlowBlocked && own.isFull) {
      this.#isFlowBlocked = true;
      this.#runtime.emit({ type: 'blocked', reason: 'flow' });
    } else if (this.#isFlowBlocked && own.waitingBytes * 2 < config.sendQueueBytes) {
      this.#isFlowBlocked = false;
      this.#runtime.emit({ type: 'unblocked' });
    }
  }
}
