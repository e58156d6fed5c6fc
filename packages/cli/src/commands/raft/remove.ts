import { argument } from '../../flags.ts';
import { RaftCommand, groupFlag } from '../../raft/command.ts';
import type { RaftStatusDocument } from '../../raft/documents.ts';

/** Remove a server from its group. */
export class RaftRemove extends RaftCommand {
  static override readonly summary = 'Remove a server from its group';
  static override readonly description =
    'From then on it counts no more, and gets nothing more. A leader that removes itself leads until that is committed. Exit code 6 when the node asked does not lead.';
  static override readonly examples = [
    { description: 'One whose disk is lost', command: '<%= config.bin %> raft remove n3' },
    {
      description: 'Asked of a certain node',
      command: '<%= config.bin %> raft remove server3 --node 10.0.0.1:7953 --json',
    },
  ];
  static override readonly args = { id: argument('its id in the group, as "raft status" says') };
  static override readonly flags = groupFlag;

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(RaftRemove);
    const client = await this.leaderClient(flags);
    const body = { id: args.id, group: flags.group };
    return this.showStatus(await client.post<RaftStatusDocument>('/v1/raft/remove', body));
  }
}
