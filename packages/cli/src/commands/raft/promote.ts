import { argument } from '../../flags.ts';
import { RaftCommand, groupFlag } from '../../raft/command.ts';
import type { RaftStatusDocument } from '../../raft/documents.ts';

/** Let a learner that has caught up vote. */
export class RaftPromote extends RaftCommand {
  static override readonly summary = 'Let a learner that has caught up vote';
  static override readonly description =
    'Refused with exit code 6 while it is too far behind, or when the node asked does not lead.';
  static override readonly examples = [
    { description: 'After raft add', command: '<%= config.bin %> raft promote n3' },
    {
      description: 'Asked of a certain node',
      command: '<%= config.bin %> raft promote server3 --node 10.0.0.1:7953 --json',
    },
  ];
  static override readonly args = { id: argument('its id in the group, as "raft status" says') };
  static override readonly flags = groupFlag;

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(RaftPromote);
    const client = await this.leaderClient(flags);
    const body = { id: args.id, group: flags.group };
    return this.showStatus(await client.post<RaftStatusDocument>('/v1/raft/promote', body));
  }
}
