import { GrpCommand, dirOf } from '../../base.ts';
import { NodeClient } from '../../client/http-client.ts';
import { killNode } from '../../cluster/control.ts';
import { requireNode, requireState } from '../../cluster/state.ts';
import { argument, whole } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Crashes a member, in the middle of a multicast if wanted. */
export class GmsKill extends GrpCommand {
  static override readonly summary = 'Crash a member of the local cluster, at once or in the middle of a multicast';
  static override readonly description = `With --after-sends K the process ends by itself, without a word, in place of its K-th message from now: when it leads, some members then have a multicast that others have not, which is what the flush is for. Only nodes of the local cluster can be killed.`;
  static override readonly examples = [
    { description: 'At once', command: '<%= config.bin %> gms kill n1' },
    {
      description: 'After seven more sends',
      command: '<%= config.bin %> gms kill n1 --after-sends 7 --json',
    },
  ];
  static override readonly args = { id: argument('a node of the local cluster: n1') };
  static override readonly flags = {
    'after-sends': whole('after-sends', 'crash after so many more sends', 1, 1_000_000),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(GmsKill);
    const dir = dirOf(flags);
    const afterSends = flags['after-sends'];
    if (afterSends === undefined) {
      const { id, state } = await killNode(dir, args.id);
      return this.show(document('grp.gms.kill/1', { id, state }), () => `${id} is ${state}.`);
    }
    const { id, http } = requireNode(await requireState(dir), args.id);
    await NodeClient.local(http, flags.timeout ?? 5_000).post('/v1/gms/kill', { afterSends });
    return this.show(
      document('grp.gms.kill/1', { id, state: 'armed', afterSends }),
      () => `${id} will crash in place of its send number ${afterSends} from now.`,
    );
  }
}
