import { join } from 'node:path';

/** Where a group's log is in a data folder. */
export function logFolder(dataDir: string, group: string): string {
  return join(dataDir, 'raft', group);
}
