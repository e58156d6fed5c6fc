import { Deadlines, type Address, type Millis, type NodeId, type Random } from '@grp/core';
import type { DeliveryLevel, GroupMember } from './api.ts';
import type { GmsConfig } from './config.ts';
import type { Effect } from './effects.ts';
import type { ControlBody } from './messages.ts';
import { OwnRequests } from './own-requests.ts';
import { Row } from './row.ts';
import type { QuorumRule } from './rules.ts';
import type { ViewTable } from './view-table.ts';

export type DeadlineKey =
  | 'ack'
  | 'stable'
  | 'heartbeat'
  | 'gather'
  | 'retry'
  | 'flush'
  | 'join'
  | 'leave'
  | 'early'
  | 'slow'
  | 'donor'
  | `forget ${Address}`;

export interface MachineOptions {
  readonly self: GroupMember;
  /** Groups with different names never mix. */
  readonly group: string;
  readonly delivery: DeliveryLevel;
  readonly quorum: QuorumRule;
  readonly config: GmsConfig;
  readonly random: Random;
  /** A message of at most this size travels in one datagram. */
  readonly frameBytes: number;
}

/**
 * `idle` before a join; `joining` looks for the group; `member` is in a view, but has the state only when it is settled;
 * `departing` has handed over and waits until the others have the view without it; `left` for good.
 */
export type Phase = 'idle' | 'joining' | 'member' | 'departing' | 'left';

const rateLimitMs = 50;
const limitedMax = 1_024;

/** What the parts of a group member share within one step. */
export class Runtime {
  readonly options: MachineOptions;
  readonly config: GmsConfig;
  readonly self: GroupMember;
  readonly deadlines = new Deadlines<DeadlineKey>();
  readonly own: OwnRequests;
  row = new Row(0);
  now: Millis = 0;
  phase: Phase = 'idle';
  /** The view that this member is in, also while its state is still coming. */
  table: ViewTable | undefined;
  /** Has the state: delivers, sends, and may give the state to others. */
  isSettled = false;
  /** Set while a flush is under way: nothing behind this sequence is delivered before the next view. */
  wedgedAt: number | undefined;
  /** Messages that were dropped, by why. */
  readonly drops: Record<string, number> = {};
  readonly #limited = new Map<string, Millis>();
  #effects: Effect[] = [];

  constructor(options: MachineOptions) {
    this.options = options;
    this.config = options.config;
    this.self = options.self;
    const { sendQueueBytes: queueBytesMax, sendWindowBytes: windowBytes } = options.config;
    this.own = new OwnRequests({ frameBytes: options.frameBytes, queueBytesMax, windowBytes });
  }

  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  takeEffects(): readonly Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Sends a control message of this member's view. */
  send(to: Address, body: ControlBody, isRetry = false): void {
    const stamp = this.table?.stamp ?? { lineage: 0, epoch: 0 };
    this.emit({ type: 'send', to, message: { ...body, ...stamp }, isRetry });
  }

  log(event: string, fields: Readonly<Record<string, string | number>>): void {
    this.emit({ type: 'log', event, fields });
  }

  hint(member: NodeId): void {
    this.emit({ type: 'hint', member });
  }

  drop(why: string): void {
    this.drops[why] = (this.drops[why] ?? 0) + 1;
  }

  /** True at most once in 50 ms for each subject, so that answers do not multiply. */
  mayRepeat(subject: string): boolean {
    const last = this.#limited.get(subject);
    if (last !== undefined && this.now - last < rateLimitMs) return false;
    this.#limited.delete(subject);
    this.#limited.set(subject, this.now);
    if (this.#limited.size > limitedMax) this.#limited.delete(this.#limited.keys().next().value as string);
    return true;
  }
}
