import { setTimeout as sleep } from 'node:timers/promises';
import { dirOf, GrpCommand, type GlobalFlags } from '../../base.ts';
import { bringDown, killClusterNow } from '../../cluster/down.ts';
import { observe } from '../../cluster/observe.ts';
import { isAlive } from '../../cluster/processes.ts';
import { nodeFiles, requireState } from '../../cluster/state.ts';
import { bringUp, type UpProgress } from '../../cluster/up.ts';
import { toggle, whole } from '../../flags.ts';
import { invocation } from '../../invocation.ts';
import { nodeFlags, sharedOptions } from '../../node-flags.ts';
import { openProgress, type Progress } from '../../output/live.ts';
import { tableWidth } from '../../output/table.ts';
import { clusterText } from '../../output/views.ts';
import type { Interruption } from '../../signals.ts';

const downTimeoutMs = 10_000;

/** Runs a cluster on this machine. */
export class ClusterUp extends GrpCommand {
  static override readonly summary = 'Run a cluster on this machine; Ctrl-C stops it';
  static override readonly description = `Starts n1 … nN as processes of their own, waits until every list is complete, prints them, and stays until Ctrl-C or "cluster down"; with --detach it returns.
State, logs and data are below --dir; so is what --record writes, for lab replay and lab export: 64 MiB for each life of a node at most, and what comes later is counted. Node i listens from base port + 8·(i-1) on.`;
  static override readonly examples = [
    { description: 'Five nodes in the foreground', command: '<%= config.bin %> cluster up' },
    {
      description: 'Three in the background, on free ports, recorded: "lab replay .grp" draws what they said',
      command: '<%= config.bin %> cluster up -n 3 --base-port 0 --detach --record',
    },
    {
      description: 'With a bad network',
      command: '<%= config.bin %> cluster up -n 5 --loss 2% --delay 20ms --dir /tmp/lossy',
    },
  ];
  static override readonly flags = {
    nodes: whole('nodes', 'how many (5 unless given)', 1, 200, 'n'),
    'base-port': whole('base-port', "the first node's base port (7946 unless given); 0 takes free ones", 0, 65_000),
    detach: toggle('detach', 'return when the cluster is up, and leave it running'),
    record: toggle('record', 'every node records what it sends, receives, delivers and decides'),
    ...nodeFlags,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(ClusterUp);
    const dir = dirOf(flags);
    const interruption = this.armSignals(() => killClusterNow(dir));
    const progress = await openProgress(!this.jsonEnabled());
    try {
      const up = await bringUp({
        dir,
        count: flags.nodes ?? 5,
        basePort: flags['base-port'] ?? 7_946,
        template: sharedOptions(flags, this.swimSettings),
        record: flags.record,
        logFormat: flags['log-format'] ?? 'pretty',
        timeoutMs: flags.timeout ?? 60_000,
        signal: interruption.signal,
        onProgress: progressWriter(progress),
      });
      progress.close();
      if (this.jsonEnabled()) this.emit(up);
      else this.print(clusterText(up, { colours: this.colours, width: tableWidth(process.stdout) }));
      if (flags.record) this.say(`Recording. See it at any time: ${invocation()} lab replay ${dir}`);
      if (flags.detach)
        this.say(`Running in the background. Stop it with: ${invocation()} cluster down${dirHint(flags)}`);
      else await this.#attend(dir, interruption, dirHint(flags));
    } catch (cause) {
      progress.close();
      // Interrupted while starting: everything has been stopped again.
      if (!interruption.signal.aborted) throw cause;
    } finally {
      interruption.disarm();
    }
  }

  /** Stays with the cluster: tells of nodes that end by themselves, and stops all when it is interrupted. */
  async #attend(dir: string, { signal }: Interruption, hint: string): Promise<void> {
    this.say(`Up. Ctrl-C stops it. In another terminal: ${invocation()} swim members --watch${hint}`);
    const told = new Set<number>();
    while (!signal.aborted) {
      const { nodes } = await requireState(dir);
      if (!nodes.some((node) => isAlive(node) || node.intended === 'killed')) {
        this.say('No node is left.');
        return;
      }
      for (const node of nodes.filter((one) => !isAlive(one) && one.intended === 'up' && !told.has(one.pid))) {
        told.add(node.pid);
        const { exitCode } = await observe(dir, node);
        if (exitCode !== undefined)
          this.say(`${node.id} ended by itself (${exitCode ?? 'no code'}); its log: ${nodeFiles(dir, node.id).log}`);
      }
      await sleep(500, undefined, { signal }).catch(() => {});
    }
    this.say('Stopping …');
    await bringDown({ dir, timeoutMs: downTimeoutMs });
  }
}

function progressWriter(progress: Progress): (event: UpProgress) => void {
  const states = new Map<string, string>();
  return (event) => {
    if (event.type === 'lists') {
      progress.show(`${event.complete} of ${event.count} lists complete`);
      return;
    }
    states.set(event.id, event.type === 'ready' ? 'ready' : 'starting');
    progress.show([...states].map(([id, state]) => `${id} ${state}`).join(' · '));
    if (event.type === 'ready') progress.note(`${event.id} is ready`);
  };
}

/** What to add to a hint so that it finds the same cluster. */
function dirHint({ dir }: GlobalFlags): string {
  return dir === undefined ? '' : ` --dir ${dir}`;
}
