import type { Address, NodeId } from '@grp/core';
import type { GroupMember, View } from './api.ts';
import { hashText } from './hash.ts';
import type { Proposal, Stamp } from './messages.ts';

/** A view with everything that is looked up in it. Never changes. */
export class ViewTable {
  readonly view: View;
  readonly proposal: Proposal;
  readonly stamp: Stamp;
  /** By rank: 32 bits of each member's id, for the hash of the row. */
  readonly hashes: Int32Array;
  /** This member's place. */
  readonly selfRank: number;
  /** Everyone else's address, by rank. */
  readonly others: readonly Address[];
  readonly #ranks = new Map<Address, number>();
  readonly #ids = new Map<NodeId, number>();

  constructor(proposal: Proposal, lineage: number, self: GroupMember) {
    const members = proposal.places.map(({ id, name, address }) => ({ id, name, address }));
    this.proposal = proposal;
    this.view = { id: proposal.epoch, members };
    this.stamp = { lineage, epoch: proposal.epoch };
    this.hashes = Int32Array.from(members, ({ id }) => hashText(id));
    this.selfRank = members.findIndex(({ id }) => id === self.id);
    this.others = members.filter(({ id }) => id !== self.id).map(({ address }) => address);
    for (const [rank, { id, address }] of members.entries()) {
      this.#ranks.set(address, rank);
      this.#ids.set(id, rank);
    }
  }

  get size(): number {
    return this.view.members.length;
  }

  /** It numbers the messages of this view. */
  get leader(): GroupMember {
    return this.view.members[0] as GroupMember;
  }

  get isLeader(): boolean {
    return this.selfRank === 0;
  }

  rankAt(address: Address): number | undefined {
    return this.#ranks.get(address);
  }

  rankOf(id: NodeId): number | undefined {
    return this.#ids.get(id);
  }
}
