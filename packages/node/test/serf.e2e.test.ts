import { expect, test } from 'vitest';
import { MixedCluster, portsNeeded } from './support/serf-cluster.ts';
import { serfVersion } from './support/serf-command.ts';
import { newKey } from './support/serf-keys.ts';
import { freePorts } from './support/serf-ports.ts';
import { departures, exchanges, loss, noFindings, quiet } from './support/serf-story.ts';
import type { Violation } from './support/serf-watch.ts';

const version = serfVersion();
const ports = freePorts(2 * portsNeeded);
if (version === undefined) {
  process.stderr.write('skipped: no `serf` on the PATH (Debian: apt-get install serf); CI has it\n');
}

/** Goes once through what the soak repeats for ten minutes; gives whatever should not have been. */
async function violations(key: string | undefined, ports: readonly number[]): Promise<readonly Violation[]> {
  const cluster = await MixedCluster.open({ key, ports });
  const findings = noFindings();
  try {
    const context = { cluster, findings, round: 'r0' };
    await exchanges(context);
    await quiet(context, 8_000);
    await loss(context, 8_000);
    await departures(context, 0);
    await cluster.untilWhole();
  } finally {
    await cluster.close();
    const watched = cluster.watch.report();
    const title = `${key === undefined ? 'plain' : 'encrypted'}, with serf ${version}`;
    process.stdout.write(`${title}: ${JSON.stringify({ ...findings, ...watched })}\n`);
  }
  return cluster.watch.report().violations;
}

test.skipIf(version === undefined).concurrent('three Serf agents and three grp nodes are one cluster', async () => {
  expect(await violations(undefined, (await ports).slice(portsNeeded))).toEqual([]);
});

test.skipIf(version === undefined).concurrent('the same with everything encrypted', async () => {
  expect(await violations(newKey(16), (await ports).slice(0, portsNeeded))).toEqual([]);
});
