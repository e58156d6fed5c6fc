import { dirOf, GrpCommand } from '../../base.ts';
import { restartNode } from '../../cluster/control.ts';
import { argument, toggle } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Starts a node again. */
export class ClusterRestart extends GrpCommand {
  static override readonly summary = 'Start a node again: same name, same ports, new life';
  static override readonly description =
    'A node that still runs leaves first. Returns when it serves again, at most --timeout (30s).';
  static override readonly examples = [
    { description: 'Bring a killed node back', command: '<%= config.bin %> cluster restart n3' },
    {
      description: 'Without the data of its last life',
      command: '<%= config.bin %> cluster restart n3 --empty --json',
    },
  ];
  static override readonly args = { id: argument('id of the node: n1, n2, …') };
  static override readonly flags = { empty: toggle('empty', 'remove its data folder first') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ClusterRestart);
    const timeoutMs = flags.timeout ?? 30_000;
    const node = await restartNode(dirOf(flags), args.id, { empty: flags.empty, timeoutMs });
    return this.show(document('grp.cluster.restart/1', node), () => `${node.id} (process ${node.pid}): ${node.state}.`);
  }
}
