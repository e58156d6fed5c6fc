import { dirOf, GrpCommand } from '../../base.ts';
import { killNode } from '../../cluster/control.ts';
import { argument } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Crashes one node. */
export class ClusterKill extends GrpCommand {
  static override readonly summary = 'Kill one node (SIGKILL): a crash, as the others see it';
  static override readonly description =
    'Returns when the process is gone. The others find out by themselves; "cluster restart" brings it back.';
  static override readonly examples = [
    { description: 'Crash the third node', command: '<%= config.bin %> cluster kill n3' },
    { description: 'In a script', command: '<%= config.bin %> cluster kill n3 --json' },
  ];
  static override readonly args = { id: argument('id of the node: n1, n2, …') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ClusterKill);
    const node = await killNode(dirOf(flags), args.id);
    return this.show(document('grp.cluster.kill/1', node), () => `${node.id} (process ${node.pid}): ${node.state}.`);
  }
}
