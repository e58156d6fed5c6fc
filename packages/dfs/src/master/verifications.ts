import type { Millis } from '@grp/core';
import type { MetaReply, RotReport } from '../messages.ts';
import type { MasterContext } from './context.ts';
import { dropCopy } from './repair.ts';
import type { CopyFinding, VerifyOrder } from './types.ts';

/** Copies that are read again at a time, in the whole store; who reports one more is told to come back. */
const activeMax = 64;

interface Verification {
  readonly order: VerifyOrder;
  readonly deadline: Millis;
  isBad: boolean;
}

/**
 * What somebody says of a copy is not believed: the server that holds it reads it again, and only what it finds there
 * itself counts. So neither a lie nor a client with a bad network card takes a good copy away.
 */
export class Verifications {
  readonly #active = new Map<string, Verification>();
  reported = 0;

  onReport(context: MasterContext, { node, incarnation, blob }: Omit<RotReport, 'kind'>): MetaReply {
    const { state, config, now } = context;
    const record = state.blobs.get(blob);
    const isHolder = record?.holders.includes(node) === true && state.isCurrent(node, incarnation);
    const key = `${blob} ${node}`;
    if (record === undefined || !isHolder || this.#active.has(key)) return { kind: 'done' };
    const at = context.server(node);
    if (at === undefined || this.#active.size >= activeMax) return busy;
    this.reported++;
    const { bytes, sha256 } = record;
    const order: VerifyOrder = { verification: context.number(), blob, sha256, at };
    const deadline = now + config.copyTimeoutMs + (bytes * 1_000) / config.copyBytesPerSecondMin;
    this.#active.set(key, { order, deadline, isBad: false });
    context.emit({ type: 'verify', order });
    return { kind: 'done' };
  }

  found(verification: number, finding: CopyFinding): void {
    for (const [key, active] of this.#active) {
      if (active.order.verification !== verification) continue;
      if (finding === 'bad') active.isBad = true;
      else this.#active.delete(key);
      return;
    }
  }

  work(context: MasterContext): void {
    for (const [key, { order, deadline, isBad }] of this.#active) {
      const { blob, at } = order;
      const { id: node, incarnation } = at;
      // Until the log has answered: what is known to be bad must not count because the log was busy.
      if (isBad)
        dropCopy(context, { blob, node, incarnation }, (result) => {
          if (result !== undefined) this.#active.delete(key);
        });
      else if (deadline <= context.now) this.#active.delete(key);
      else context.wakeAt(deadline);
    }
  }
}

const busy: MetaReply = {
  kind: 'failed',
  code: 'DFS_BUSY',
  message: 'the copy cannot be read again at the moment',
  outcomeUnknown: false,
};
