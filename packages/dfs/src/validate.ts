import type { MetaRequest } from './messages.ts';
import { nameProblem } from './names.ts';

/** Of one message, in bytes: a hold report of 10,000 blobs fits, and no peer makes a node keep more. */
export const messageBytesMax = 4_194_304;

export const listLimitMax = 10_000;
const requestIdMax = 64;
const replicasMax = 16;
const keepMax = 1_000;
const textMax = 256;
const itemsMax = 10_000;

/** What is wrong with a request, as a clause and the code it gets; undefined when nothing is. */
export function requestProblem(request: MetaRequest): { readonly code: string; readonly problem: string } | undefined {
  if ('name' in request) {
    const problem = nameProblem(request.name);
    if (problem !== undefined) return { code: 'DFS_NAME_INVALID', problem };
  }
  const problem = wrongIn(request);
  return problem === undefined ? undefined : { code: 'DFS_REQUEST_INVALID', problem };
}

function wrongIn(request: MetaRequest): string | undefined {
  switch (request.kind) {
    case 'open-put':
      return wrongPut(request);
    case 'commit-put':
      return wrongPut(request) ?? wrongBlob(request.blob) ?? wrongCommit(request);
    case 'remove':
      return wrongRequestId(request.requestId);
    case 'abandon-put':
      return wrongBlob(request.blob) ?? tooMany(request.holders.length, replicasMax);
    case 'add-holders':
      return tooMany(request.items.length, itemsMax) ?? first(request.items, ({ blob }) => wrongBlob(blob));
    case 'list':
    case 'versions':
      return inRange('limit', request.limit, listLimitMax);
    case 'hold-report':
      return tooMany(request.blobs.length, itemsMax) ?? first(request.blobs, ({ blob }) => wrongBlob(blob));
    case 'rot-report':
      return wrongBlob(request.blob);
    case 'join':
      return first([request.node, request.life, request.address], (text) =>
        text === '' || text.length > textMax ? 'an id, life or address is empty or too long' : undefined,
      );
    default:
      return undefined;
  }
}

function wrongPut(put: {
  readonly requestId: string;
  readonly replicas?: number | undefined;
  readonly keep?: number | undefined;
}): string | undefined {
  return (
    wrongRequestId(put.requestId) ??
    (put.replicas === undefined ? undefined : inRange('replicas', put.replicas, replicasMax)) ??
    (put.keep === undefined ? undefined : inRange('keep', put.keep, keepMax))
  );
}

function wrongCommit({
  sha256,
  acks,
}: {
  readonly sha256: string;
  readonly acks: readonly unknown[];
}): string | undefined {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return 'sha256 is not 64 hex digits';
  return tooMany(acks.length, 2 * replicasMax);
}

function wrongRequestId(requestId: string): string | undefined {
  return requestId === '' || requestId.length > requestIdMax
    ? `a request id has 1 to ${requestIdMax} characters`
    : undefined;
}

function wrongBlob(blob: string): string | undefined {
  return /^[0-9a-f]{32}$/.test(blob) ? undefined : 'a blob id is not 32 hex digits';
}

function inRange(what: string, value: number, max: number): string | undefined {
  return value >= 1 && value <= max && Number.isInteger(value) ? undefined : `${what} must be 1 to ${max}`;
}

function tooMany(count: number, max: number): string | undefined {
  return count > max ? `more than ${max} items` : undefined;
}

function first<Item>(items: readonly Item[], wrong: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const problem = wrong(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
