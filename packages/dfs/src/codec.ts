import type { MetaReply, MetaRequest } from './messages.ts';
import { messageBytesMax } from './validate.ts';
import { decodeShape, encodeShape } from './wire/fields.ts';
import { replyShape } from './wire/replies.ts';
import { requestShape } from './wire/requests.ts';

/** A request as it goes over the wire. */
export function encodeRequest(request: MetaRequest): Uint8Array {
  return encodeShape(requestShape, request);
}

/** Total: undefined for bytes that are no request, or one of a kind that this version does not know. */
export function decodeRequest(bytes: Uint8Array): MetaRequest | undefined {
  return bytes.length > messageBytesMax ? undefined : decodeShape(requestShape, bytes);
}

/** A reply as it goes over the wire. */
export function encodeReply(reply: MetaReply): Uint8Array {
  return encodeShape(replyShape, reply);
}

/** Total: undefined for bytes that are no reply, or one of a kind that this version does not know. */
export function decodeReply(bytes: Uint8Array): MetaReply | undefined {
  return bytes.length > messageBytesMax ? undefined : decodeShape(replyShape, bytes);
}
