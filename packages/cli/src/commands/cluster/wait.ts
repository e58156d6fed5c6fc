import { Flags } from '@oclif/core';
import { dirOf, GrpCommand } from '../../base.ts';
import { isAlive, lookUp } from '../../cluster/processes.ts';
import { requireState } from '../../cluster/state.ts';
import { untilAllReady, untilComplete, untilLed } from '../../cluster/lists.ts';
import { cliError } from '../../errors.ts';
import { envName } from '../../given.ts';
import { document } from '../../output/json.ts';
import { timeText } from '../../output/units.ts';

/** Waits for a condition of the local cluster. */
export class ClusterWait extends GrpCommand {
  static override readonly summary = 'Wait until the local cluster is ready, its lists agree, or it has a leader';
  static override readonly description = `ready: every running node serves.
converged: the list of every running node, and its view of the group, is exactly the running nodes; the file store counts on each file server; every server of a log knows who leads.
leader: all name the same running leader, that of the log (roles raft, chat, dfs), or else of the group (role gms).
A server that waits to be added, because its disk was emptied, is not waited for. Exit code 5 after --timeout (30s).`;
  static override readonly examples = [
    { description: 'After a kill or a heal', command: '<%= config.bin %> cluster wait --for converged' },
    {
      description: 'At most ten seconds, in a script',
      command: '<%= config.bin %> cluster wait --for ready --timeout 10s --json',
    },
  ];
  static override readonly flags = {
    for: Flags.option({
      options: ['ready', 'converged', 'leader'] as const,
      description: 'what to wait for (ready unless given)',
      env: envName('for'),
    })(),
  };

  override async run(): Promise<object> {
    const { flags } = await this.parse(ClusterWait);
    const dir = dirOf(flags);
    const goal = flags.for ?? 'ready';
    const state = await requireState(dir);
    const targets = state.nodes
      .filter((node) => isAlive(node) && lookUp(node.pid)?.paused !== true)
      .map(({ id, http, roles }) => ({ name: id, http, roles }));
    if (targets.length === 0) throw cliError('CLUSTER_NONE', { context: { dir }, hint: 'None of its nodes runs.' });
    const began = performance.now();
    const wait = { ready: untilAllReady, converged: untilComplete, leader: untilLed }[goal];
    const leader = await wait(targets, { timeoutMs: flags.timeout ?? 30_000 });
    const elapsedMs = Math.round(performance.now() - began);
    const nodes = targets.map(({ name }) => name);
    return this.show(
      document('grp.cluster.wait/1', { goal, nodes, elapsedMs, ...(leader === undefined ? {} : { leader }) }),
      () => `${goal}: ${leader ?? nodes.join(', ')} (after ${timeText(elapsedMs)})`,
    );
  }
}
