import type { ReplicatedLog } from '@grp/chat';
import { GrpError, type Clock } from '@grp/core';
import type { HostedGroup } from '../raft/raft-host.ts';
import { sleep } from '../waiting.ts';

/** A handover takes some milliseconds: so long, and no longer, a request waits for it here. */
const handoverWaitMs = 500;
const handoverPollMs = 10;
const overloadedRetryMs = 100;

/** The chat's log, kept by a raft group. What raft refuses comes out as the port of the chat wants it. */
export function replicatedLog(group: HostedGroup, clock: Clock): ReplicatedLog {
  return {
    propose: (command, { signal }) => patiently(clock, signal, () => group.raft.propose(command)),
    readBarrier: ({ signal }) => patiently(clock, signal, () => group.raft.read(() => undefined)),
    leader: () => group.leaderClientAddress(),
    get serving() {
      return group.serving;
    },
  };
}

async function patiently<Value>(
  clock: Clock,
  signal: AbortSignal | undefined,
  ask: () => Promise<Value>,
): Promise<Value> {
  const deadline = clock.now() + handoverWaitMs;
  for (;;) {
    try {
      return await ask();
    } catch (cause) {
      if (!(cause instanceof GrpError)) throw cause;
      if (cause.code === 'RAFT_OVERLOADED') throw overloaded(cause);
      const again = cause.code === 'RAFT_TRANSFERRING' && clock.now() < deadline && signal?.aborted !== true;
      if (!again) throw cause;
    }
    await sleep(clock, handoverPollMs, signal);
  }
}

function overloaded(cause: GrpError): GrpError {
  const { code, message, kind, hint } = cause;
  return new GrpError({ code, message, kind, hint, context: { retryAfterMs: overloadedRetryMs }, cause });
}
