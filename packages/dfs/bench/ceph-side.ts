// Ceph's side: `rados bench` for each cell, writes and then what it wrote read in sequence.
import { CephCluster } from './ceph.ts';
import { mebibyte, round, tell, type Cell, type Row, type Side } from './dfs-measure.ts';

interface RadosReport {
  readonly total_time_run: string;
  readonly total_writes_made?: string;
  readonly total_reads_made?: string;
  readonly max_latency: string;
}

/** @param seconds Of each write; those of 1 MiB end sooner, after `middleMax` objects, because they need room. */
export async function cephSide(ceph: CephCluster, seconds: number, middleMax: number): Promise<Side> {
  const bench = async (time: number, args: readonly string[]): Promise<RadosReport> => {
    const text = await ceph.run('rados', ['-p', CephCluster.pool, '-f', 'json', 'bench', String(time), ...args]);
    return JSON.parse(text.slice(text.indexOf('{'))) as RadosReport;
  };
  // Placement groups have to find each other first.
  await bench(2, ['write', '-b', '4096', '-t', '8', '--no-cleanup', '--run-name', 'warm']);
  return {
    async put(cell, turn) {
      const { objectBytes, threads } = shapeOf(cell);
      const isLarge = cell.bytes > mebibyte;
      const limit = isLarge ? cell.bytes / objectBytes : middleMax;
      const objects = objectBytes < mebibyte ? [] : ['--max-objects', String(limit)];
      const args = ['write', '-b', String(objectBytes), '-t', String(threads), ...objects, '--no-cleanup'];
      const report = await bench(isLarge ? 60 : seconds, [...args, '--run-name', nameOf(cell, turn)]);
      return rowOf(cell, `put ${cell.size}`, report);
    },
    async get(cell, turn) {
      const name = nameOf(cell, turn);
      const args = ['seq', '-t', String(shapeOf(cell).threads), '--run-name', name];
      // What it just wrote is not in its cache. Ours is read from a warm one, and so is this: the second time.
      await bench(seconds, args);
      const row = rowOf(cell, `get ${cell.size}`, await bench(seconds, args));
      if (cell.bytes >= mebibyte) await ceph.run('rados', ['-p', CephCluster.pool, 'cleanup', '--run-name', name]);
      return [row];
    },
  };
}

/** A large file is what its clients make of it: objects of 4 MiB, four at a time. */
function shapeOf({ bytes, atOnce }: Cell): { readonly objectBytes: number; readonly threads: number } {
  return bytes > mebibyte ? { objectBytes: 4 * mebibyte, threads: 4 } : { objectBytes: bytes, threads: atOnce };
}

function nameOf({ size, atOnce }: Cell, turn: number): string {
  return `${size.replace(' ', '')}-${atOnce}-${turn}`;
}

function rowOf(cell: Cell, what: string, report: RadosReport): Row {
  const objects = Number(report.total_writes_made ?? report.total_reads_made);
  const bytesPerSecond = (objects * shapeOf(cell).objectBytes) / Number(report.total_time_run);
  return tell({
    ...{ of: 'ceph', what, atOnce: cell.atOnce },
    perSecond: round(bytesPerSecond / cell.bytes),
    megabytesPerSecond: round(bytesPerSecond / 1e6),
    maxMs: round(Number(report.max_latency) * 1_000),
  });
}
