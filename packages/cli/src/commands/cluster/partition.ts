import { dirOf, GrpCommand } from '../../base.ts';
import { partition } from '../../cluster/control.ts';
import { argument } from '../../flags.ts';
import { document } from '../../output/json.ts';
import { parseGroups } from '../../values.ts';

/** Cuts the cluster into sides. */
export class ClusterPartition extends GrpCommand {
  static override readonly summary = 'Cut the cluster into sides that cannot reach each other';
  static override readonly description = `Nodes that are on no side reach everybody. Replaces an earlier cut; "cluster heal" ends it.
Nothing of the system is changed: each node is told which addresses to ignore, and forgets it when it restarts.`;
  static override readonly examples = [
    { description: 'Two against three', command: '<%= config.bin %> cluster partition n1,n2/n3,n4,n5' },
    { description: 'One alone', command: '<%= config.bin %> cluster partition n1/n2,n3 --json' },
  ];
  static override readonly args = { sides: argument('the sides, separated by /; nodes by commas') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ClusterPartition);
    const result = await partition(dirOf(flags), parseGroups(args.sides));
    return this.show(document('grp.cluster.partition/1', result), () => {
      const cut = `Cut: ${result.sides.map((side) => side.join(',')).join(' | ')}`;
      return result.skipped.length === 0
        ? cut
        : `${cut}\nNot told, since they do not run: ${result.skipped.join(', ')}`;
    });
  }
}
