import { GrpError, type Clock } from '@grp/core';
import { sleep } from '../waiting.ts';
import type { HostedGroup } from './raft-host.ts';

/** A handover takes some milliseconds: so long, and no longer, a request waits for it here. */
const handoverWaitMs = 500;
const handoverPollMs = 10;
const overloadedRetryMs = 100;

interface Asking {
  readonly signal?: AbortSignal;
}

/** A log as the ports of services want it. */
export interface ReplicatedLog {
  propose(command: Uint8Array, options: Asking): Promise<Uint8Array>;
  readBarrier(options: Asking): Promise<void>;
  leader(): string | undefined;
  readonly leading: boolean;
  readonly serving: boolean;
}

/**
 * A service's log, kept by a raft group. What raft refuses comes out as the ports of services want it.
 * @param leader where clients of the service find the node that leads
 */
export function replicatedLog<Leader extends string>(
  group: HostedGroup,
  { clock, leader }: { readonly clock: Clock; readonly leader: () => Leader | undefined },
): ReplicatedLog & { leader(): Leader | undefined } {
  return {
    propose: (command, { signal }) => patiently(clock, signal, () => group.raft.propose(command)),
    readBarrier: ({ signal }) => patiently(clock, signal, () => group.raft.read(() => undefined)),
    leader,
    get leading() {
      return group.serving && group.raft.status().role === 'leader';
    },
    get serving() {
      return group.serving;
    },
  };
}

/** What succeeds at once, as nearly all does, costs one promise. */
function patiently<Value>(clock: Clock, signal: AbortSignal | undefined, ask: () => Promise<Value>): Promise<Value> {
  const deadline = clock.now() + handoverWaitMs;
  const again = async (cause: unknown): Promise<Value> => {
    if (!(cause instanceof GrpError)) throw cause;
    if (cause.code === 'RAFT_OVERLOADED') throw overloaded(cause);
    const isWorthIt = cause.code === 'RAFT_TRANSFERRING' && clock.now() < deadline && signal?.aborted !== true;
    if (!isWorthIt) throw cause;
    await sleep(clock, handoverPollMs, signal);
    return ask().catch(again);
  };
  try {
    return ask().catch(again);
  } catch (cause) {
    return Promise.reject(cause); // not started
  }
}

function overloaded(cause: GrpError): GrpError {
  const { code, message, kind, hint } = cause;
  return new GrpError({ code, message, kind, hint, context: { retryAfterMs: overloadedRetryMs }, cause });
}
