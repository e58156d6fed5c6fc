// Writes per second, ours and etcd's in turns, so that what else the machine does hits both.
import {
  measureWrites,
  syncsPerSecond,
  type CellFigures,
  type EtcdCluster,
  type RaftCluster,
  type RaftServer,
} from './raft-cluster.ts';
import type { LoadPlan } from './raft-load.ts';

export type Carrier = LoadPlan['over'];

export interface WritesPlan {
  readonly clients: readonly number[];
  readonly over: readonly Carrier[];
  readonly measureMs: number;
  readonly turns: number;
  readonly folder: string;
}

export interface WriteRow extends CellFigures {
  readonly servers: number;
  readonly clients: number;
  readonly over: string;
  /** Writes per second divided by etcd's in the same cell. */
  readonly ratio: number | undefined;
}

export const valueBytes = 256;
const warmUpMs = 700;

/** One table: each number of clients over each way in. */
export async function measureAllWrites(
  plan: WritesPlan,
  raft: RaftCluster,
  etcd: EtcdCluster | undefined,
): Promise<{ readonly rows: readonly WriteRow[]; readonly syncs: readonly number[] }> {
  const over = plan.over.filter((carrier) => carrier !== 'etcd' || etcd !== undefined);
  const rows: WriteRow[] = [];
  const syncs: number[] = [];
  // Compilers and caches are warm in a server that has run for a minute, and that is what is asked for.
  for (const carrier of over) await cell(carrier, 64, { ...plan, measureMs: 2_000 }, { raft, etcd });
  for (const clients of plan.clients) {
    const found = new Map<Carrier, CellFigures[]>(over.map((carrier) => [carrier, []]));
    for (let turn = 0; turn < plan.turns; turn++) {
      for (const carrier of over) found.get(carrier)?.push(await cell(carrier, clients, plan, { raft, etcd }));
      syncs.push(syncsPerSecond(plan.folder));
    }
    rows.push(...rowsOf(found, raft.servers.length, clients));
  }
  return { rows, syncs };
}

function rowsOf(found: ReadonlyMap<Carrier, CellFigures[]>, servers: number, clients: number): WriteRow[] {
  const etcd = middle(found.get('etcd') ?? []);
  return [...found].flatMap(([over, cells]) => {
    const figures = middle(cells);
    if (figures === undefined) return [];
    const ratio =
      etcd === undefined ? undefined : Math.round((figures.writesPerSecond / etcd.writesPerSecond) * 100) / 100;
    return [{ servers, clients, over, ...figures, ratio }];
  });
}

function middle(cells: readonly CellFigures[]): CellFigures | undefined {
  return cells.toSorted((a, b) => a.writesPerSecond - b.writesPerSecond)[cells.length >> 1];
}

async function cell(
  over: Carrier,
  clients: number,
  { measureMs }: WritesPlan,
  { raft, etcd }: { readonly raft: RaftCluster; readonly etcd: EtcdCluster | undefined },
): Promise<CellFigures> {
  const common = { over, clients, valueBytes, warmUpMs, measureMs };
  if (over === 'etcd' && etcd !== undefined)
    return measureWrites({ ...common, targets: [etcd.endpoints[await etcd.leader()] as string] }, etcd.pids);
  if (over === 'native') return measureWrites({ ...common, targets: raft.addresses }, raft.pids);
  const leader: RaftServer = await raft.leader();
  return measureWrites({ ...common, targets: [`127.0.0.1:${leader.plan.grpcPort}`] }, raft.pids);
}
