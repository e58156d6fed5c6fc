import { GrpCommand } from '../../base.ts';
import { argument, text } from '../../flags.ts';

/** Put a member out of a group; it may come back. */
export class TrackerKick extends GrpCommand {
  static override readonly summary = 'Put a member out of a group; it may come back';
  static override readonly description = `The others are told who was put out and why. To keep somebody out, use ban.`;
  static override readonly examples = [
    { description: 'Put eve out of tea', command: '<%= config.bin %> tracker kick tea eve --reason "too loud"' },
    { description: 'Without a word', command: '<%= config.bin %> tracker kick tea eve' },
  ];
  static override readonly args = { group: argument('name of the group'), nick: argument('who') };
  static override readonly flags = { reason: text('reason', 'what everybody is told', 'TEXT') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(TrackerKick);
    const client = await this.client(flags);
    const { group, nick } = args;
    const done = await client.post('/v1/tracker/kick', { group, nick, ...(flags.reason && { reason: flags.reason }) });
    return this.show(done, () => `${nick} is out.`);
  }
}
