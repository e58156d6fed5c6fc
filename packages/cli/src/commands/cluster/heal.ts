import { dirOf, GrpCommand } from '../../base.ts';
import { heal } from '../../cluster/control.ts';
import { document } from '../../output/json.ts';

/** Ends every cut. */
export class ClusterHeal extends GrpCommand {
  static override readonly summary = 'End every cut: all nodes reach each other again';
  static override readonly description =
    'The lists become whole by themselves; "cluster wait --for converged" waits for that.';
  static override readonly examples = [
    { description: 'Heal', command: '<%= config.bin %> cluster heal' },
    { description: 'In a script', command: '<%= config.bin %> cluster heal --dir /tmp/lossy --json' },
  ];

  override async run(): Promise<object> {
    const { flags } = await this.parse(ClusterHeal);
    const result = await heal(dirOf(flags));
    return this.show(document('grp.cluster.heal/1', result), () => 'Healed.');
  }
}
