import { dfsError, nameFromBytes, type MetaReply, type MetaRequest } from '@grp/dfs';
import type { FastifyRequest } from 'fastify';
import { httpError } from '../errors.ts';
import { sleep } from '../waiting.ts';
import type { Clock } from '@grp/core';
import type { DfsPart } from './dfs-part.ts';

/** The path under which files are; what follows is the name, URL-encoded. */
export const filesPath = '/v1/dfs/files/';

const askTimeoutMs = 10_000;
const askPauseMs = 50;

/** The name in a URL, from its bytes: what is no UTF-8 is told so. @throws GrpError DFS_NAME_INVALID */
export function nameInUrl(url: string): string {
  const text = (url.split('?', 1)[0] ?? '').slice(filesPath.length);
  return nameFromBytes(percentDecoded(text));
}

function percentDecoded(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const hex = text[at] === '%' ? text.slice(at + 1, at + 3) : '';
    if (/^[0-9A-Fa-f]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else bytes.push(...new TextEncoder().encode(text[at]));
  }
  return Uint8Array.from(bytes);
}

export type Query = Readonly<Record<string, string | undefined>>;

/** A whole number of the query; undefined when it is not there. @throws GrpError NODE_REQUEST_INVALID */
export function wholeOf(query: Query, key: string, min: number, max: number): number | undefined {
  const text = query[key];
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw invalid(`${key} must be a whole number from ${min} to ${max}`);
}

/** A switch of the query. @throws GrpError NODE_REQUEST_INVALID */
export function switchOf(query: Query, key: string): boolean {
  const text = query[key];
  if (text === undefined || text === 'false' || text === '0') return false;
  if (text === 'true' || text === '1' || text === '') return true;
  throw invalid(`${key} must be true or false`);
}

/** The name that a query gives. @throws GrpError NODE_REQUEST_INVALID, DFS_NAME_INVALID */
export function nameOf(query: Query): string {
  const { name } = query;
  if (name === undefined) throw invalid('say which file with ?name=');
  return nameFromBytes(new TextEncoder().encode(name));
}

/** Refuses what is not in `known`: a mistyped condition must not be one that always holds. */
export function checkQuery(query: Query, known: readonly string[]): void {
  const unknown = Object.keys(query).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalid(`${JSON.stringify(unknown.slice(0, 40))} is none of ${known.join(', ')}`);
}

/** `bytes=0-99`, `bytes=100-` or `bytes=-100` of so many bytes. @throws GrpError NODE_RANGE_INVALID */
export function rangeOf(
  header: string | undefined,
  bytes: number,
): { readonly offset: number; readonly length: number } | undefined {
  if (header === undefined) return undefined;
  const [, first = '', last = ''] = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(header.trim()) ?? [];
  if (first === '' && last === '')
    throw httpError('NODE_RANGE_INVALID', { context: { range: header.slice(0, 80), bytes } });
  const offset = first === '' ? Math.max(0, bytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? bytes : Math.min(bytes, Number(last) + 1);
  if (offset > end || (offset >= bytes && bytes > 0))
    throw httpError('NODE_RANGE_INVALID', { context: { range: header.slice(0, 80), bytes } });
  return { offset, length: end - offset };
}

/** A header that is there once. */
export function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/**
 * Asks the metadata until the answer is of this kind, or final.
 * @throws GrpError DFS_NOT_FOUND, DFS_META_UNREACHABLE, DFS_META_NO_QUORUM
 */
export async function asked<Kind extends MetaReply['kind']>(
  { client, group }: DfsPart,
  { request, kind, clock, signal }: { request: MetaRequest; kind: Kind; clock: Clock; signal?: AbortSignal },
): Promise<Extract<MetaReply, { kind: Kind }>> {
  const begun = clock.now();
  for (;;) {
    const reply = await client.request(request, signal);
    if (reply?.kind === kind) return reply as Extract<MetaReply, { kind: Kind }>;
    if (reply?.kind === 'not-found') throw dfsError('DFS_NOT_FOUND');
    const waitedMs = clock.now() - begun;
    if (waitedMs > askTimeoutMs || signal?.aborted === true) {
      if (!hasLeader(group)) throw dfsError('DFS_META_NO_QUORUM');
      const problem = reply?.kind === 'failed' ? reply.message : 'no answer';
      throw dfsError('DFS_META_UNREACHABLE', { context: { timeoutMs: Math.round(waitedMs), problem } });
    }
    await sleep(clock, askPauseMs, signal);
  }
}

/** Whether the metadata has somebody who leads it, as far as this node knows. */
export function hasLeader(group: DfsPart['group']): boolean {
  return group.serving && group.raft.status().leader !== undefined;
}

function invalid(problem: string): Error {
  return httpError('NODE_REQUEST_INVALID', { context: { problem } });
}
