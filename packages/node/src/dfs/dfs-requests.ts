import { dfsError, nameFromBytes, type MetaReply, type MetaRequest } from '@grp/dfs';
import { httpError } from '../errors.ts';
import { invalid, type Query } from '../http/query.ts';
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

/** The name that a query gives. @throws GrpError NODE_REQUEST_INVALID, DFS_NAME_INVALID */
export function nameOf(query: Query): string {
  const { name } = query;
  if (name === undefined) throw invalid('say which file with ?name=');
  return nameFromBytes(new TextEncoder().encode(name));
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
