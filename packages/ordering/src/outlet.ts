import { Deadlines, type Address, type Millis } from '@grp/core';
import type { Delivery, Gap, InstalledView, Order, OrderingMember } from './api.ts';
import type { OrderingConfig } from './config.ts';
import type { Effect } from './effects.ts';
import type { Message } from './messages.ts';

/** What counts things over the whole life of a member. */
export interface Counters {
  delivered: number;
  roundsSent: number;
  roundsReceived: number;
  roundsResent: number;
  gapsFilled: number;
  gapsUnfilled: number;
  droppedRounds: number;
  heldRoundsMax: number;
  flushes: number;
  lastFlushMs: Millis;
}

/** The one timer of each kind. */
export type TimerName = 'resend' | 'stable' | 'ack' | 'floor' | 'gap' | 'catch-up' | 'flush';

/** What the parts of the machine have in common: its effects, its time, its timers, its counts. */
export class Outlet {
  readonly config: OrderingConfig;
  readonly order: Order;
  readonly self: OrderingMember;
  readonly timers = new Deadlines<TimerName>();
  readonly refused = new Map<string, number>();
  readonly counters: Counters = {
    delivered: 0,
    roundsSent: 0,
    roundsReceived: 0,
    roundsResent: 0,
    gapsFilled: 0,
    gapsUnfilled: 0,
    droppedRounds: 0,
    heldRoundsMax: 0,
    flushes: 0,
    lastFlushMs: 0,
  };
  now: Millis = 0;
  #effects: Effect[] = [];
  #deliveries: Delivery[] | undefined;

  constructor(options: { readonly config: OrderingConfig; readonly order: Order; readonly self: OrderingMember }) {
    this.config = options.config;
    this.order = options.order;
    this.self = options.self;
  }

  transmit(to: readonly Address[], message: Message): void {
    if (to.length > 0) this.#emit({ type: 'transmit', to, message });
  }

  /** Neighbouring deliveries become one effect. */
  deliver(delivery: Delivery): void {
    this.counters.delivered++;
    if (this.#deliveries === undefined) {
      const deliveries: Delivery[] = [];
      this.#emit({ type: 'deliver', deliveries });
      this.#deliveries = deliveries;
    }
    this.#deliveries.push(delivery);
  }

  install(installed: InstalledView): void {
    this.#emit({ type: 'install', installed });
  }

  flush(number: number): void {
    this.#emit({ type: 'flush', number });
  }

  excluded(number: number): void {
    this.#emit({ type: 'excluded', number });
  }

  gap(gap: Gap): void {
    this.#emit({ type: 'gap', gap });
  }

  settled(sequence: number): void {
    this.#emit({ type: 'settled', sequence });
  }

  /** Counts something that a peer sent and that is not taken in. */
  refuse(reason: string): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }

  /** Sets a timer that is not set. */
  arm(timer: TimerName, at: Millis): void {
    if (this.timers.get(timer) === undefined) this.timers.set(timer, at);
  }

  takeEffects(): readonly Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    this.#deliveries = undefined;
    return effects;
  }

  #emit(effect: Effect): void {
    this.#deliveries = undefined;
    this.#effects.push(effect);
  }
}
