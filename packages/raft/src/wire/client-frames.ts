import { ByteReader, ByteWriter } from '../bytes.ts';
import type { Command, LogIndex } from '../types.ts';
import type { PayloadCodec } from './payload.ts';

const magic = 0x67_72_70_63; // 'grpc': a client, where 'grpr' is a server
export const clientWireVersion = 1;

/** What a client asks of a server; `ticket` is the client's own number for it. */
export interface ClientRequest {
  readonly ticket: number;
  readonly payload: Command | { readonly type: 'register' };
}

/** Why nothing was done. Numbers are for ever. */
export const clientRefusals = [
  'not-leader',
  'transferring',
  'overloaded',
  'low-on-space',
  'stopped',
  'overwritten',
  'refused',
] as const;
export type ClientRefusal = (typeof clientRefusals)[number];

export function isClientRefusal(reason: string): reason is ClientRefusal {
  return (clientRefusals as readonly string[]).includes(reason);
}

/** How a request ended. */
export type ClientResponse =
  | { readonly type: 'done'; readonly index: LogIndex; readonly answer: Uint8Array }
  /** The session does not take the command. */
  | { readonly type: 'session-refused'; readonly reason: string }
  /** Surely not done; `leader` is where to ask instead. */
  | { readonly type: 'not-done'; readonly reason: ClientRefusal; readonly leader: string }
  | { readonly type: 'unknown' };

const responseTypes = ['done', 'session-refused', 'not-done', 'unknown'] as const;

/** The first frame of a client's stream. */
export function encodeClientHello(group: string): Uint8Array {
  return new ByteWriter(32).varint(magic).varint(clientWireVersion).text(group).finish();
}

/** The group that a client wants; undefined: this is no client, or one of another version. */
export function decodeClientHello(bytes: Uint8Array): string | undefined {
  const reader = new ByteReader(bytes);
  if (reader.varint() !== magic || reader.varint() !== clientWireVersion) return undefined;
  const group = reader.text();
  return reader.isBroken ? undefined : group;
}

export function writeClientRequest(
  writer: ByteWriter,
  { ticket, payload }: ClientRequest,
  payloads: PayloadCodec,
): void {
  writer.varint(ticket).raw(payloads.encode(payload));
}

/** Undefined: those bytes are no request. The command is a view of them, in the form in which it is logged. */
export function decodeClientRequest(bytes: Uint8Array, payloads: PayloadCodec): ClientRequest | undefined {
  const reader = new ByteReader(bytes);
  const ticket = reader.varint();
  const payload = reader.isBroken ? undefined : payloads.decode(reader.raw(reader.remaining));
  return payload?.type === 'command' || payload?.type === 'register' ? { ticket, payload } : undefined;
}

export function writeClientResponse(writer: ByteWriter, ticket: number, response: ClientResponse): void {
  writer.varint(ticket).varint(responseTypes.indexOf(response.type));
  if (response.type === 'done') writer.varint(response.index).raw(response.answer);
  else if (response.type === 'session-refused') writer.text(response.reason);
  else if (response.type === 'not-done') writer.varint(clientRefusals.indexOf(response.reason)).text(response.leader);
}

/** Undefined: those bytes are no response. */
export function decodeClientResponse(
  bytes: Uint8Array,
): { readonly ticket: number; readonly response: ClientResponse } | undefined {
  const reader = new ByteReader(bytes);
  const ticket = reader.varint();
  const type = responseTypes[reader.varint()];
  let response: ClientResponse | undefined;
  if (type === 'done') response = { type, index: reader.varint(), answer: reader.raw(reader.remaining) };
  else if (type === 'session-refused') response = { type, reason: reader.text() };
  else if (type === 'not-done') {
    const reason = clientRefusals[reader.varint()] ?? 'refused';
    response = { type, reason, leader: reader.text() };
  } else if (type === 'unknown') response = { type };
  return response === undefined || reader.isBroken || reader.remaining > 0 ? undefined : { ticket, response };
}
