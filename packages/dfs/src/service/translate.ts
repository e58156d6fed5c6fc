import type { Command, Result } from '../meta/commands.ts';
import type { MetaReply, MetaRequest } from '../messages.ts';
import type { ServerView } from '../model.ts';
import type { LogFailure, MasterRequest } from './requests.ts';

export function isMasterRequest(request: MetaRequest): request is MasterRequest {
  const { kind } = request;
  return kind === 'heartbeat' || kind === 'hold-report' || kind === 'rot-report' || kind === 'repair-status';
}

/** The command by which a request changes the metadata; undefined for one that only reads. */
export function commandOf(
  request: MetaRequest,
  { replicasDefault, wallMs }: { readonly replicasDefault: number; readonly wallMs: number },
): Command | undefined {
  const at = Math.max(0, Math.floor(wallMs));
  switch (request.kind) {
    case 'commit-put': {
      const { replicas = replicasDefault, keep } = request;
      return { ...request, kind: 'put', replicas, keep, at };
    }
    case 'remove':
      return { ...request, at };
    case 'abandon-put':
      return { ...request, kind: 'tombstone' };
    case 'add-holders':
      return request;
    case 'join':
      return request;
    default:
      return undefined;
  }
}

/** `serversChangedAt` of a commit is filled in by the caller. */
export function replyOf(request: MetaRequest, result: Result, view: () => ServerView): MetaReply {
  switch (result.kind) {
    case 'conflict':
      if (request.kind !== 'remove' || (result.version > 0 && !result.deleted)) return result;
      return result.version === 0 ? { kind: 'not-found' } : { kind: 'not-found', deletedAt: result.version };
    case 'stale':
      return { kind: 'stale-epoch', view: view(), valid: result.valid };
    case 'full':
      return { kind: 'failed', code: 'DFS_FULL', message: result.problem, outcomeUnknown: false };
    case 'committed':
      return { ...result, serversChangedAt: 0 };
    default:
      return result;
  }
}

export function failureReply(failure: LogFailure, leader: string | undefined): MetaReply {
  if (failure === 'not-leader') return leader === undefined ? { kind: 'not-leader' } : { kind: 'not-leader', leader };
  const failed = { kind: 'failed', outcomeUnknown: failure !== 'busy' } as const;
  if (failure === 'busy') return { ...failed, code: 'DFS_BUSY', message: 'too many requests wait for the log' };
  return { ...failed, code: 'DFS_META_NO_QUORUM', message: 'the log did not answer' };
}
