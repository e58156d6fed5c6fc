// Real Serf agents and grp nodes in one cluster, for minutes: they talk, lose datagrams, are killed, leave, are forced out
// and come back, and no healthy member may ever be taken for anything but alive, by anybody.
//
//   npm run soak -- serf-interop [--minutes 10] [--mode both|plain|encrypted]
//
// One JSON document on stdout, progress on stderr. Exit code 0, or 8 when something was violated; 2: usage; 3: no `serf`.
import { parseArgs } from 'node:util';
import { MixedCluster, portsNeeded } from '../test/support/serf-cluster.ts';
import { serfVersion } from '../test/support/serf-command.ts';
import { newKey } from '../test/support/serf-keys.ts';
import { freePorts } from '../test/support/serf-ports.ts';
import { clusterResult, type ClusterResult } from '../test/support/serf-result.ts';
import { departures, exchanges, loss, noFindings, quiet } from '../test/support/serf-story.ts';

type Mode = 'plain' | 'encrypted';

const quietMs = 30_000;
const lossMs = 15_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const given = readArguments();
  if (given === undefined) {
    process.stderr.write('usage: npm run soak -- serf-interop [--minutes 10] [--mode both|plain|encrypted]\n');
    return 2;
  }
  const serf = serfVersion();
  if (serf === undefined) {
    process.stderr.write('there is no `serf` on the PATH; Debian: apt-get install serf\n');
    return 3;
  }
  // The agents are killed when this process exits; a signal alone would leave them behind.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => process.exit(code));
  const startedAt = new Date().toISOString();
  const ports = await freePorts(given.modes.length * portsNeeded);
  const soaks = given.modes.map((mode, index) =>
    soak(mode, given.minutes, ports.slice(index * portsNeeded, (index + 1) * portsNeeded)),
  );
  const clusters = await Promise.all(soaks);
  const violated = clusters.some(({ violations }) => violations.length > 0);
  const document = { schema: 'grp.soak.serf-interop/1', serf, minutes: given.minutes, startedAt, violated, clusters };
  process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  return violated ? 8 : 0;
}

async function soak(mode: Mode, minutes: number, ports: readonly number[]): Promise<ClusterResult> {
  const note = (text: string): void => void process.stderr.write(`${mode}: ${text}\n`);
  const cluster = await MixedCluster.open({ ports, key: mode === 'encrypted' ? newKey(16) : undefined });
  const findings = noFindings();
  const end = performance.now() + minutes * 60_000;
  let rounds = 0;
  try {
    for (; performance.now() < end; rounds++) {
      const context = { cluster, findings, round: `r${rounds}`, note };
      await exchanges(context);
      await quiet(context, Math.max(0, Math.min(quietMs, end - performance.now())));
      await loss(context, lossMs);
      await departures(context, rounds);
      await cluster.untilWhole();
    }
  } catch (cause) {
    // What follows would only repeat it: the members may not be where the story expects them.
    cluster.watch.violate('unwell', cause instanceof Error ? cause.message : String(cause));
  } finally {
    await cluster.close();
  }
  return clusterResult(mode, rounds, findings, cluster.watch.report());
}

function readArguments(): { readonly minutes: number; readonly modes: readonly Mode[] } | undefined {
  const options = { minutes: { type: 'string', default: '10' }, mode: { type: 'string', default: 'both' } } as const;
  try {
    const { minutes, mode } = parseArgs({ options }).values;
    const count = Number(minutes);
    const modes = (['plain', 'encrypted'] as const).filter((one) => mode === 'both' || mode === one);
    return modes.length > 0 && count > 0 && count <= 1_440 ? { minutes: count, modes } : undefined;
  } catch (cause) {
    process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
    return undefined;
  }
}
