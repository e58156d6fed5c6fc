import { dirOf, GrpCommand } from '../../base.ts';
import { resumeNode } from '../../cluster/control.ts';
import { argument } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Wakes one node. */
export class ClusterResume extends GrpCommand {
  static override readonly summary = 'Let a frozen node go on (SIGCONT)';
  static override readonly description = 'It finds out what happened meanwhile, and refutes what was said about it.';
  static override readonly examples = [
    { description: 'Wake the second node', command: '<%= config.bin %> cluster resume n2' },
    { description: 'In a script', command: '<%= config.bin %> cluster resume n2 --json' },
  ];
  static override readonly args = { id: argument('id of the node: n1, n2, …') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ClusterResume);
    const node = await resumeNode(dirOf(flags), args.id);
    return this.show(document('grp.cluster.resume/1', node), () => `${node.id} (process ${node.pid}): ${node.state}.`);
  }
}
