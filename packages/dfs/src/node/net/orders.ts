import type { GrpError } from '@grp/core';
import type { CopyOrder, CopyProblem, DeletionOrder } from '../../master/types.ts';
import type { Ack } from '../../model.ts';
import type { FileServerOrders } from '../../service/service.ts';
import { itemsMax } from './bodies.ts';
import type { Peers } from './peers.ts';

const copyMs = 5_000;
const bytesPerMs = 4_096;

/** What the master tells file servers to do, over the same port as all else. */
export function fileServerOrders(peers: Peers): FileServerOrders {
  return {
    async copy({ blob, bytes, sha256, from, to, epoch }: CopyOrder): Promise<Ack | CopyProblem> {
      try {
        const order = { blob, bytes, sha256, epoch, from: from.address, incarnation: to.incarnation };
        // The master waits no longer either: see its `copyTimeoutMs`.
        return await peers.at(to.address).copy(order, copyMs + bytes / bytesPerMs);
      } catch (cause) {
        return problemOf(cause);
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
