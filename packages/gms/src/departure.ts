import type { Address, NodeId } from '@grp/core';
import type { GroupMessage, Proposal } from './messages.ts';
import { lowestLive } from './rules.ts';
import type { Runtime } from './runtime.ts';
import type { ViewTable } from './view-table.ts';

/**
 * A graceful leave: says so until a view without this member is decided, then stays until the others have installed that
 * view, because a leader that vanishes with it would leave them to the failure detector.
 */
export class Departure {
  readonly #runtime: Runtime;
  readonly #isOut: (id: NodeId) => boolean;
  #waiting = new Map<Address, NodeId>();
  #epoch = 0;
  #proposal: Proposal | undefined;
  #lineage = 0;

  constructor(runtime: Runtime, isOut: (id: NodeId) => boolean) {
    this.#runtime = runtime;
    this.#isOut = isOut;
  }

  /** Tells whoever leads; again until it has happened. */
  announce(table: ViewTable): void {
    const { self, deadlines, now, config } = this.#runtime;
    deadlines.set('leave', now + config.joinRetryMs);
    const leader = lowestLive(table.view.members, this.#isOut);
    if (leader !== undefined && leader.id !== self.id)
      this.#runtime.send(leader.address, { kind: 'leave', id: self.id, isGone: false });
  }

  /** A view without this member was decided. */
  begin(table: ViewTable, proposal: Proposal, isOwn: boolean): void {
    const { deadlines, now, config } = this.#runtime;
    this.#runtime.phase = 'departing';
    this.#proposal = proposal;
    this.#epoch = proposal.epoch;
    this.#lineage = table.stamp.lineage;
    // Only who brought the view itself answers for it.
    const others = isOwn ? proposal.places.filter(({ isJoiner, id }) => !isJoiner && !this.#isOut(id)) : [];
    this.#waiting = new Map(others.map(({ address, id }) => [address, id]));
    deadlines.set('leave', now + config.joinRetryMs);
    if (this.#waiting.size === 0) this.end();
  }

  /** From those who have the new view. */
  onMessage(from: Address, message: GroupMessage): void {
    if (this.#runtime.phase !== 'departing' || message.lineage !== this.#lineage || message.epoch < this.#epoch) return;
    this.#waiting.delete(from);
    if (this.#waiting.size === 0) this.end();
  }

  onDeadline(): void {
    const { phase, table, deadlines, now, config } = this.#runtime;
    if (phase === 'member' && table !== undefined) return this.announce(table);
    if (phase !== 'departing' || this.#proposal === undefined) return;
    for (const to of this.#waiting.keys()) {
      const stamp = { lineage: this.#lineage, epoch: this.#epoch - 1 };
      const message = { kind: 'install', proposal: this.#proposal, ...stamp } as const;
      this.#runtime.emit({ type: 'send', to, message, isRetry: true });
    }
    deadlines.set('leave', now + config.joinRetryMs);
  }

  endStep(isLeaving: boolean): void {
    if (this.#runtime.phase !== 'departing' || isLeaving) return;
    for (const [address, id] of this.#waiting) if (this.#isOut(id)) this.#waiting.delete(address);
    if (this.#waiting.size === 0) this.end();
  }

  end(): void {
    if (this.#runtime.phase === 'left') return;
    this.#runtime.phase = 'left';
    this.#runtime.deadlines.delete('leave');
    this.#runtime.emit({ type: 'left' });
  }
}
