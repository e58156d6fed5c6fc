import { chatError, type Caller, type ChatReads, type LabelledMessage, type RoomFacts } from '@grp/chat';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asDocument, isoTime } from '../http/documents.ts';
import { goneSignal } from '../http/gone-signal.ts';
import { checkQuery, headerOf, invalid, switchOf, wholeOf, type Query } from '../http/query.ts';

/** The header with the token of a session: `authorization` is the node's own. */
const tokenHeader = 'grp-chat-token';
/** As many as one document has. */
const messagesMax = 10_000;
const sequenceMax = Number.MAX_SAFE_INTEGER;

export interface ChatRouteOptions {
  readonly reads: ChatReads;
  /** Whether this server's copy may be shown. */
  readonly serving: () => boolean;
}

type ChatRequest = FastifyRequest<{ Querystring: Query }>;

/** `/v1/chat/…`: what a session may read, as documents. Changes, and messages as they come, are for gRPC. */
export function chatRoutes(app: FastifyInstance, { reads, serving }: ChatRouteOptions): void {
  const get = (
    what: string,
    known: readonly string[],
    answer: (query: Query, caller: Caller) => Promise<object>,
  ): void => {
    app.get<{ Querystring: Query }>(`/v1/chat/${what}`, async (request, reply) => {
      checkQuery(request.query, known);
      if (!serving()) throw chatError('CHAT_RECOVERING');
      return asDocument(`chat.${what}`, await answer(request.query, callerOf(request, reply)));
    });
  };
  get('history', ['room', 'from', 'limit', 'local'], async (query, caller) => {
    const { room } = query;
    if (room === undefined) throw invalid('say which room with ?room=');
    const limit = wholeOf(query, 'limit', 1, messagesMax) ?? messagesMax;
    const from = wholeOf(query, 'from', 1, sequenceMax);
    const wanted = { room, limit, from, local: switchOf(query, 'local') };
    const { messages, more } = await history(reads, wanted, caller);
    return { room, messages: messages.map(messageFields), more };
  });
  get('rooms', [], async (_query, caller) => ({ rooms: (await reads.rooms(caller)).map(roomFields) }));
  get('unread', [], async (_query, caller) => {
    const rooms = await reads.rooms(caller);
    return { rooms: rooms.filter(({ unread }) => unread > 0).map(roomFields) };
  });
  get('users', ['pattern', 'after'], async ({ pattern = '', after = '' }, caller) => {
    const { names, more } = await reads.users({ pattern, after, limit: 0 }, caller);
    return { users: names, more };
  });
}

/** The token is checked by the chat, in every one of its calls. */
function callerOf(request: ChatRequest, reply: FastifyReply): Caller {
  return { token: headerOf(request, tokenHeader), signal: goneSignal(reply) };
}

interface Wanted {
  readonly room: string;
  /** Undefined: the newest ones. */
  readonly from: number | undefined;
  readonly limit: number;
  readonly local: boolean;
}

/** Puts the pages of the chat together. */
async function history(
  reads: ChatReads,
  { room, from, limit, local }: Wanted,
  caller: Caller,
): Promise<{ readonly messages: readonly LabelledMessage[]; readonly more: boolean }> {
  const first = await reads.history(
    { room, fromSequence: from ?? 0, limit: from === undefined ? 1 : limit, local },
    caller,
  );
  const newest = first.messages.at(-1)?.message.sequence ?? 0;
  const messages = from === undefined ? [] : [...first.messages];
  let next = from === undefined ? Math.max(1, newest - limit + 1) : newest + 1;
  let { more } = first;
  if (from === undefined) more = newest > 0;
  while (more && messages.length < limit) {
    // This server's copy has by now all that the first page had to have.
    const page = await reads.history({ room, fromSequence: next, limit: limit - messages.length, local: true }, caller);
    messages.push(...page.messages);
    next += page.messages.length;
    more = page.more && page.messages.length > 0;
  }
  return { messages, more };
}

function messageFields({ room, message }: LabelledMessage) {
  const { id, from, text, atMs, index, sequence, deleted } = message;
  return { id, room, from, text, at: isoTime(atMs), index, sequence, ...(deleted && { deleted }) };
}

function roomFields({ label: name, lastSequence, members, joined, unread }: RoomFacts) {
  return { name, lastSequence, members, joined, unread };
}
