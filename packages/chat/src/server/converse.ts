import { ServerInterceptingCall, status, type Metadata, type ServerInterceptor } from '@grpc/grpc-js';
import type { ConverseRequest } from '../gen/grp/chat/v1/chat_pb.ts';
import type { AskedSend } from '../hot-codec.ts';
import type { Conversation, ConversationOptions } from './conversation.ts';
import { callerOf } from './caller.ts';
import type { grpcError } from './status.ts';

type Ours = Pick<ConversationOptions, 'caller' | 'write' | 'fail'>;

/** Who talks on the streams. */
export interface ConverseHost {
  /** @throws GrpError why there is no room for one more */
  begin(options: Ours): Conversation;
  end(conversation: Conversation): void;
  errorOf(cause: unknown): ReturnType<typeof grpcError>;
}

/** Answers that the connection has not taken yet: the client reads too slowly. */
const unwrittenMax = 64;
const unwrittenMin = 16;

/**
 * Serves one method, which streams both ways, as messages come and go, without the object streams that grpc-js puts around
 * them: these cost more than the messages. All the rest of gRPC stays its own: frames, limits, deadlines, compression.
 */
export function converseInterceptor(path: string, host: ConverseHost): ServerInterceptor {
  return (method, call) => {
    if (method.path !== path) return new ServerInterceptingCall(call);
    // What would come next, grpc-js's own stream and its handler, is not begun.
    return new ServerInterceptingCall(call, { start: () => call.start(listenerOf(call, host)) });
  };
}

type InnerCall = Parameters<ServerInterceptor>[1];

function listenerOf(call: InnerCall, host: ConverseHost): Parameters<InnerCall['start']>[0] {
  const gone = new AbortController();
  let conversation: Conversation | undefined;
  let unwritten = 0;
  let isSlow = false;
  let isOver = false;
  const end = (): void => {
    isOver = true;
    gone.abort();
    if (conversation !== undefined) host.end(conversation);
  };
  const fail = (cause: unknown): void => {
    if (isOver) return;
    end();
    const { code, details, metadata } = host.errorOf(cause);
    call.sendStatus({ code, details, metadata });
  };
  const written = (): void => {
    unwritten--;
    if (!isSlow || unwritten > unwrittenMin || isOver) return;
    isSlow = false;
    conversation?.resume();
  };
  const write = (response: Uint8Array): boolean => {
    if (isOver) return false;
    unwritten++;
    call.sendMessage(response, written);
    isSlow ||= unwritten >= unwrittenMax;
    return !isSlow;
  };
  return {
    onReceiveMetadata(metadata: Metadata) {
      try {
        conversation = host.begin({ caller: callerOf(metadata, gone.signal), write, fail });
        call.startRead();
      } catch (cause) {
        fail(cause);
      }
    },
    onReceiveMessage(request: ConverseRequest | AskedSend) {
      if (isOver) return;
      conversation?.take(request);
      call.startRead();
    },
    onReceiveHalfClose() {
      conversation?.finish(() => {
        if (isOver) return;
        end();
        call.sendStatus({ code: status.OK, details: 'OK' });
      });
    },
    onCancel: () => (isOver ? undefined : end()),
  };
}
