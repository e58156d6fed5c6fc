import { dirOf, GrpCommand } from '../../base.ts';
import { bringDown } from '../../cluster/down.ts';

/** Stops the local cluster. */
export class ClusterDown extends GrpCommand {
  static override readonly summary = 'Stop every node of the local cluster';
  static override readonly description =
    'Nodes leave; what has not ended after --timeout (10s) is killed. Logs and data stay.';
  static override readonly examples = [
    { description: 'The cluster in .grp', command: '<%= config.bin %> cluster down' },
    {
      description: 'Another one, impatiently',
      command: '<%= config.bin %> cluster down --dir /tmp/lossy --timeout 1s',
    },
  ];

  override async run(): Promise<object> {
    const { flags } = await this.parse(ClusterDown);
    const down = await bringDown({ dir: dirOf(flags), timeoutMs: flags.timeout ?? 10_000 });
    return this.show({ ...down, schema: 'grp.cluster.down/1' }, () => `${down.nodes.length} nodes are stopped.`);
  }
}
