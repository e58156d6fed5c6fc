// Sends messages as fast as its share of the clients can, each on a stream of its own and one after the other; forked by
// `chat.ts`. It speaks HTTP/2 itself, with little work per message, so that the servers are what is measured.
import { randomFillSync } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
// @boundaries-ignore the benches put the same load on both
import { Http2Client } from '../../raft/bench/http2-client.ts';
// @boundaries-ignore the benches put the same load on both
import { runLoad, type LoadWrite } from '../../raft/bench/load-loop.ts';
import { ConverseRequestSchema, ConverseResponseSchema, LoginResponseSchema } from '../src/gen/grp/chat/v1/chat_pb.ts';

export interface ChatLoadPlan {
  /** The leader's gRPC address. */
  readonly target: string;
  readonly token: string;
  readonly clients: number;
  readonly connections: number;
  readonly valueBytes: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

const requestIdBytes = 16;

/** One client's stream. The request is encoded once; what changes is its id. */
function chatter(client: Http2Client, { token, valueBytes }: ChatLoadPlan, index: number): LoadWrite {
  const value = { requestId: new Uint8Array(requestIdBytes), room: `room-${index % 8}`, text: 'v'.repeat(valueBytes) };
  const message = Buffer.from(
    toBinary(ConverseRequestSchema, create(ConverseRequestSchema, { request: { case: 'send', value } })),
  );
  const idAt = message.indexOf(value.requestId);
  let waiting: ((isOk: boolean) => void) | undefined;
  const headers = client.headers('/grp.chat.v1.Chat/Converse', { authorization: `Bearer ${token}` });
  const send = client.stream(headers, {
    // The first byte says which kind of answer it is: field 2, `sent`.
    onMessage: (answer) => waiting?.(answer[0] === 18),
    onEnd: () => waiting?.(false),
  });
  return (done) => {
    waiting = done;
    const bytes = Buffer.from(message);
    randomFillSync(bytes, idAt, requestIdBytes);
    send(bytes);
  };
}

export function explain(answer: Buffer): string {
  return JSON.stringify(fromBinary(ConverseResponseSchema, answer).response.case);
}

export function tokenOf(answer: Buffer): string {
  return fromBinary(LoginResponseSchema, answer).token;
}

if (process.argv[2] !== undefined && process.send !== undefined) {
  const plan = JSON.parse(process.argv[2]) as ChatLoadPlan;
  const [host = '', port] = plan.target.split(':');
  const pool = Array.from({ length: plan.connections }, () => new Http2Client(host, Number(port)));
  const writes = Array.from({ length: plan.clients }, (_, index) =>
    chatter(pool[index % pool.length] as Http2Client, plan, index),
  );
  await runLoad(writes, plan);
}
