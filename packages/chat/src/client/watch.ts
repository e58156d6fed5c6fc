import { fraction, type Clock, type Random } from '@grp/core';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { create } from '@bufbuild/protobuf';
import { ConverseRequestSchema, type ConverseRequest, type ConverseResponse } from '../gen/grp/chat/v1/chat_pb.ts';
import { setbackOrError, type Channels } from './channels.ts';
import { messageOf, type ChatMessage } from './messages.ts';
import type { ClientConfig } from './config.ts';
import type { Failover } from './failover.ts';

export interface WatchOptions {
  readonly channels: Channels;
  readonly failover: Failover;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: ClientConfig;
  readonly token: string | undefined;
  readonly room: string;
  /** Sequence of the last message the reader has. */
  readonly after: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Follows a room through failovers: each new stream begins after the last message that was given out, and a message that
 * comes again is left out, so that the reader sees each once and in order.
 */
export async function* watchRoom(options: WatchOptions): AsyncGenerator<ChatMessage, void> {
  const { channels, failover, clock, random, config, token, room, signal } = options;
  let last = options.after;
  let pauseMs: number = config.backoffMinMs;
  const isOver = (): boolean => signal?.aborted === true;
  while (!isOver()) {
    const server = failover.preferred;
    const stream = channels.converse(server, token);
    const stop = (): void => stream.cancel();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const follow = { case: 'follow', value: { room, afterSequence: BigInt(last) } } as const;
      stream.write(create(ConverseRequestSchema, { request: follow }));
      for await (const response of stream as AsyncIterable<ConverseResponse>) {
        if (response.response.case !== 'message') continue;
        const message = messageOf(response.response.value);
        if (message.sequence <= last) continue;
        last = message.sequence;
        pauseMs = config.backoffMinMs; // it works
        yield message;
      }
    } catch (cause) {
      if (isOver()) return;
      const outcome = setbackOrError(cause as ServiceError, server);
      if (!('type' in outcome)) throw outcome;
      failover.learn(outcome);
    } finally {
      signal?.removeEventListener('abort', stop);
      end(stream);
    }
    await pause(clock, pauseMs * (0.5 + fraction(random) / 2), signal);
    pauseMs = Math.min(pauseMs * 2, config.backoffMaxMs);
  }
}

/** Cancelling makes grpc-js emit an error, which is nobody's any more. */
function end(stream: ClientDuplexStream<ConverseRequest, ConverseResponse>): void {
  stream.on('error', () => {});
  stream.cancel();
}

function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      cancel();
      signal?.removeEventListener('abort', over);
      resolve();
    };
    const cancel = clock.wakeAt(clock.now() + ms, over);
    signal?.addEventListener('abort', over, { once: true });
  });
}
