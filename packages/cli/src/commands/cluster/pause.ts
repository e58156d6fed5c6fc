import { dirOf, GrpCommand } from '../../base.ts';
import { pauseNode } from '../../cluster/control.ts';
import { argument } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Freezes one node. */
export class ClusterPause extends GrpCommand {
  static override readonly summary = 'Freeze one node (SIGSTOP): it looks dead, but can come back';
  static override readonly description = 'It answers nothing and keeps its memory. "cluster resume" lets it go on.';
  static override readonly examples = [
    { description: 'Freeze the second node', command: '<%= config.bin %> cluster pause n2' },
    { description: 'In a script', command: '<%= config.bin %> cluster pause n2 --json' },
  ];
  static override readonly args = { id: argument('id of the node: n1, n2, …') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ClusterPause);
    const node = await pauseNode(dirOf(flags), args.id);
    return this.show(document('grp.cluster.pause/1', node), () => `${node.id} (process ${node.pid}): ${node.state}.`);
  }
}
