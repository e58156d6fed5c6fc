import type { Address } from '@grp/core';
import type { OrderingView } from './api.ts';
import { CausalOrder } from './orders/causal-order.ts';
import { FifoOrder } from './orders/fifo-order.ts';
import type { OrderRule } from './orders/order-rule.ts';
import { TotalOrder } from './orders/total-order.ts';
import type { Outlet } from './outlet.ts';
import { SenderLog } from './sender-log.ts';

/** One installed view at one member: who is who in it, and what has come of each sender. */
export class Epoch {
  readonly view: OrderingView;
  /** The own rank. */
  readonly rank: number;
  /** Messages that the group had delivered before. */
  readonly position: number;
  readonly logs: readonly SenderLog[];
  readonly rule: OrderRule;
  /** The same as `rule`, where it is ISIS. */
  readonly total: TotalOrder | undefined;
  readonly others: readonly Address[];
  /**
   * Of two members in total order, the one that receives a round knows both proposals, and with them what its sender will
   * agree on: it delivers at once, and needs not be told.
   */
  readonly isPair: boolean;
  readonly #ranks: ReadonlyMap<Address, number>;

  constructor(outlet: Outlet, view: OrderingView, start: { readonly position: number; readonly clock: number }) {
    this.view = view;
    this.position = start.position;
    this.rank = view.members.findIndex(({ id }) => id === outlet.self.id);
    this.logs = view.members.map(() => new SenderLog());
    this.total = outlet.order === 'total' ? new TotalOrder(this.logs, this.rank, start.clock) : undefined;
    this.rule = this.total ?? (outlet.order === 'fifo' ? new FifoOrder(this.logs) : new CausalOrder(this.logs));
    this.#ranks = new Map(view.members.map(({ address }, rank) => [address, rank]));
    this.isPair = this.total !== undefined && view.members.length === 2;
    this.others = view.members.filter((_, rank) => rank !== this.rank).map(({ address }) => address);
  }

  /** The log of the own rounds. */
  get own(): SenderLog {
    return this.logs[this.rank] as SenderLog;
  }

  rankOf(address: Address): number | undefined {
    return this.#ranks.get(address);
  }

  addressOf(rank: number): Address {
    return (this.view.members[rank] as { readonly address: Address }).address;
  }
}
