// Writes per second of raft beside etcd, in one run on one disk, every write synced:
// npm run bench -- raft [--full] [--sizes 3,5] [--clients 1,64,1000] [--over native,grpc,etcd] [--seconds 2] [--turns 1]
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureWrites, startEtcd, startRaft, syncsPerSecond, type CellFigures } from './raft-cluster.ts';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '3' },
    clients: { type: 'string', default: '1,64,1000' },
    over: { type: 'string', default: 'native,grpc,etcd' },
    seconds: { type: 'string', default: '2' },
    prof: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const folder = mkdtempSync(join(values.dir, 'grp-bench-raft-'));
const over = values.over.split(',');
for (const size of values.sizes.split(',').map(Number)) {
  const etcd = over.includes('etcd') ? await startEtcd(size, folder) : undefined;
  const raft = await startRaft({
    size,
    folder: join(folder, `raft-${size}`),
    nodeArgs: values.prof ? ['--cpu-prof', `--cpu-prof-dir=${values.prof}`] : [],
  });
  try {
    for (const clients of values.clients.split(',').map(Number)) {
      for (const how of over as ('native' | 'grpc' | 'etcd')[]) {
        const common = { valueBytes: 256, warmUpMs: 500, measureMs: Number(values.seconds) * 1000, clients, over: how };
        let figures: CellFigures;
        if (how === 'etcd')
          figures = await measureWrites({ ...common, targets: [etcd!.endpoints[await etcd!.leader()]!] }, etcd!.pids);
        else {
          const leader = await raft.leader();
          const targets = how === 'native' ? raft.addresses : [`127.0.0.1:${leader.plan.grpcPort}`];
          figures = await measureWrites({ ...common, targets }, raft.pids);
        }
        console.log(
          size,
          clients,
          how,
          JSON.stringify(figures),
          'syncs',
          syncsPerSecond(folder, 300),
          'load',
          loadavg()[0]?.toFixed(1),
        );
      }
    }
  } finally {
    await raft.stop();
    await etcd?.stop();
  }
}
rmSync(folder, { recursive: true, force: true });
process.exit(0);
