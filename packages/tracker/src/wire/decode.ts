import type { WireError } from '../errors.ts';
import { isWrong, nested, optional, readShape, text, whole, type Shape } from './fields.ts';
import { decodeLine } from './lines.ts';
import {
  commandShapes,
  noticeShapes,
  protocolVersion,
  type Command,
  type CommandName,
  type Notice,
  type NoticeName,
} from './messages.ts';

/** What a client sent: a command with its request id, or what is wrong with it. */
export type DecodedCommand =
  | { readonly id: number; readonly command: Command }
  | { readonly id: number | undefined; readonly malformed: 'line' | 'version' | 'unknown' }
  | { readonly id: number; readonly malformed: 'field'; readonly name: CommandName; readonly field: string };

/** Decodes one line from a client. Total: hostile bytes give a reason. */
export function decodeCommand(bytes: Uint8Array): DecodedCommand {
  const object = decodeLine(bytes);
  if (object === undefined) return { id: undefined, malformed: 'line' };
  const id = whole().read(object['id']);
  if (object['v'] !== protocolVersion) return { id, malformed: 'version' };
  if (id === undefined) return { id, malformed: 'line' };
  const name = object['do'];
  if (typeof name !== 'string' || !Object.hasOwn(commandShapes, name)) return { id, malformed: 'unknown' };
  const body = readShape(commandShapes[name as CommandName] as Shape, object);
  if (isWrong(body)) return { id, malformed: 'field', name: name as CommandName, field: body.wrong };
  return { id, command: { do: name, ...body } as Command };
}

/** What a tracker sent: an answer to a request, a notice, or something to drop and count. */
export type DecodedReply =
  | { readonly type: 'answer'; readonly re: number; readonly body: Readonly<Record<string, unknown>> }
  | { readonly type: 'error'; readonly re: number | undefined; readonly error: WireError }
  | { readonly type: 'notice'; readonly n: number | undefined; readonly notice: Notice }
  | { readonly type: 'malformed' };

const errorField = nested({
  code: text(64, 1),
  message: text(2_000),
  hint: optional(text(2_000)),
  kind: optional(text(32)),
  retryAfterMs: optional(whole(86_400_000)),
});

/** Decodes one line from a tracker. Total. */
export function decodeReply(bytes: Uint8Array): DecodedReply {
  const object = decodeLine(bytes);
  if (object === undefined) return { type: 'malformed' };
  const re = whole().read(object['re']);
  if (Object.hasOwn(object, 'error')) {
    const error = errorField.read(object['error']);
    return error === undefined ? { type: 'malformed' } : { type: 'error', re, error };
  }
  if (re !== undefined) return { type: 'answer', re, body: object };
  const name = object['on'];
  if (typeof name !== 'string' || !Object.hasOwn(noticeShapes, name)) return { type: 'malformed' };
  const body = readShape(noticeShapes[name as NoticeName] as Shape, object);
  if (isWrong(body)) return { type: 'malformed' };
  return { type: 'notice', n: whole().read(object['n']), notice: { on: name, ...body } as Notice };
}
