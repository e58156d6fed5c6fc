import { GrpCommand } from '../../base.ts';
import { argument } from '../../flags.ts';

/** Lets somebody into a group for invited members. */
export class TrackerInvite extends GrpCommand {
  static override readonly summary = 'Invite somebody into a group; who is connected is told';
  static override readonly description = `For groups with the policy invite. An invitation is for a nick and stays until it is used.`;
  static override readonly examples = [
    { description: 'Let eve come to tea', command: '<%= config.bin %> tracker invite tea eve' },
    { description: 'Of another tracker', command: '<%= config.bin %> tracker invite tea eve --node 10.0.0.1:7953' },
  ];
  static override readonly args = { group: argument('name of the group'), nick: argument('who') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(TrackerInvite);
    const client = await this.client(flags);
    const { group, nick } = args;
    const done = await client.post<{ readonly isHere?: boolean }>('/v1/tracker/invite', { group, nick });
    return this.show(done, () => (done.isHere === true ? `${nick} has been told.` : `${nick} may join when it comes.`));
  }
}
