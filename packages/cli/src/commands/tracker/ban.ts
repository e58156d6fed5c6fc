import { GrpCommand } from '../../base.ts';
import { argument, text } from '../../flags.ts';

/** Put somebody out of a group for good. */
export class TrackerBan extends GrpCommand {
  static override readonly summary = 'Put somebody out of a group for good';
  static override readonly description = `The nick, the key and the address are banned, so that another nick does not help. The others are told.`;
  static override readonly examples = [
    {
      description: 'Keep eve out of tea, under any nick',
      command: '<%= config.bin %> tracker ban tea eve --reason "too loud"',
    },
    { description: 'Without a word', command: '<%= config.bin %> tracker ban tea eve' },
  ];
  static override readonly args = { group: argument('name of the group'), nick: argument('who') };
  static override readonly flags = { reason: text('reason', 'what everybody is told', 'TEXT') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(TrackerBan);
    const client = await this.client(flags);
    const { group, nick } = args;
    const done = await client.post('/v1/tracker/ban', { group, nick, ...(flags.reason && { reason: flags.reason }) });
    return this.show(done, () => `${nick} is banned.`);
  }
}
