import type { NodeClient } from './client/http-client.ts';
import type { NodeEvent } from './client/events.ts';
import { cliError } from './errors.ts';
import { armSignals } from './signals.ts';

export interface StreamOptions {
  readonly client: NodeClient;
  readonly kinds: readonly string[];
  /** Ends after so many events. */
  readonly count?: number | undefined;
  /** Ends after so long. */
  readonly durationMs?: number | undefined;
  readonly write: (event: NodeEvent) => void;
}

/**
 * Prints a node's events until a signal, the count or the duration.
 * @throws GrpError CLI_NODE_UNREACHABLE when the node ends the stream first
 */
export async function streamEvents({ client, kinds, count, durationMs, write }: StreamOptions): Promise<void> {
  const interruption = armSignals();
  const ended = new AbortController();
  const timer = durationMs === undefined ? undefined : setTimeout(() => ended.abort(), durationMs);
  const signal = AbortSignal.any([interruption.signal, ended.signal]);
  try {
    let seen = 0;
    for await (const event of await client.events({ kinds, signal })) {
      write(event);
      seen++;
      if (seen === count) return;
    }
    if (signal.aborted) return;
    throw cliError('CLI_NODE_UNREACHABLE', { context: { url: client.url, reason: 'it has ended the stream' } });
  } finally {
    clearTimeout(timer);
    interruption.disarm();
  }
}
