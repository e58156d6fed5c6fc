import type { LogFields } from '@grp/core';
import type { dfsError } from '../errors.ts';
import type { MetaReply } from '../messages.ts';

/** Why a put or get did not succeed: what `dfsError` makes an error of. */
export interface Failure {
  readonly code: Parameters<typeof dfsError>[0];
  readonly context: LogFields;
}

/** The failure that a reply tells of for good; undefined when asking again may help. */
export function finalFailure(reply: MetaReply): Failure | undefined {
  switch (reply.kind) {
    case 'conflict':
      return { code: 'DFS_CONFLICT', context: { version: reply.version, deleted: reply.deleted } };
    case 'not-found':
      return { code: 'DFS_NOT_FOUND', context: {} };
    case 'failed': {
      const { code, message: problem } = reply;
      if (code === 'DFS_NAME_INVALID' || code === 'DFS_REQUEST_INVALID' || code === 'DFS_FULL')
        return { code, context: { problem } };
      return undefined;
    }
    default:
      return undefined;
  }
}
