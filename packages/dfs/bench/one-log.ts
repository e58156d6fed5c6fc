// A log of one server on a disk: what the metadata costs without a network. A cluster's own is raft.
import { systemClock } from '@grp/core';
import { openLog } from '@grp/storage';
import { nodeDisk } from '@grp/storage/node';
import type { DfsMeta, ReplicatedLog } from '../src/index.ts';

export async function oneLog(folder: string, meta: DfsMeta): Promise<ReplicatedLog> {
  const log = await openLog({ disk: nodeDisk(folder), clock: systemClock() });
  const waiting: { readonly ticket: number; readonly done: () => void }[] = [];
  log.on((event) => {
    if (event.type !== 'durable') return;
    while (waiting.length > 0 && (waiting[0]?.ticket ?? Infinity) <= event.ticket) waiting.shift()?.done();
  });
  return {
    async propose(command) {
      const index = log.entries.lastIndex + 1;
      const ticket = log.append([{ index, term: 1, payload: command }]);
      await new Promise<void>((done) => waiting.push({ ticket, done }));
      return meta.apply(command, index);
    },
    readBarrier: async () => {},
    leader: () => undefined,
    leading: true,
    serving: true,
  };
}
