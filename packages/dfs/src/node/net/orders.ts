import type { GrpError } from '@grp/core';
import type { CopyFinding, CopyOrder, CopyProblem, DeletionOrder, VerifyOrder } from '../../master/types.ts';
import type { Ack } from '../../model.ts';
import type { FileServerOrders } from '../../service/service.ts';
import { itemsMax } from './bodies.ts';
import type { Peers } from './peers.ts';

/** The master gives a copy up earlier, and tries elsewhere; but it still counts when it is there in the end. */
const copyMs = 600_000;

/** What the master tells file servers to do, over the same port as all else. */
export function fileServerOrders(peers: Peers): FileServerOrders {
  return {
    async copy({ blob, bytes, sha256, from, to, epoch }: CopyOrder): Promise<Ack | CopyProblem> {
      try {
        const order = { blob, bytes, sha256, epoch, from: from.address, incarnation: to.incarnation };
        return await peers.at(to.address).copy(order, copyMs);
      } catch (cause) {
        return problemOf(cause);
      }
    },
    async verify({ blob, sha256, at }: VerifyOrder): Promise<CopyFinding> {
      try {
        const found = await peers.at(at.address).digest(blob, true);
        return found.sha256 === sha256 ? 'intact' : 'bad';
      } catch (cause) {
        const { code } = cause as GrpError;
        return code === 'DFS_BLOB_DAMAGED' || code === 'DFS_BLOB_NOT_FOUND' ? 'bad' : 'unknown';
      }
    },
    async remove({ at, items }: DeletionOrder): Promise<boolean> {
      try {
        for (let from = 0; from < items.length; from += itemsMax)
          await peers.at(at.address).remove({ incarnation: at.incarnation, items: items.slice(from, from + itemsMax) });
        return true;
      } catch {
        return false;
      }
    },
  };
}

function problemOf(cause: unknown): CopyProblem {
  const { code } = cause as GrpError;
  if (code === 'DFS_COPY_SOURCE_BAD') return 'source-bad';
  if (code === 'DFS_COPY_SOURCE_UNREACHABLE') return 'source-unreachable';
  return code === 'DFS_DISK_FULL' ? 'target-full' : 'target-unreachable';
}
