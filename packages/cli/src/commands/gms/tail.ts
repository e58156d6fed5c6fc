import { GrpCommand } from '../../base.ts';
import { streamEvents } from '../../event-stream.ts';
import { duration, whole } from '../../flags.ts';
import { messageText } from '../../gms/views.ts';

/** Follows the messages of the group. */
export class GmsTail extends GrpCommand {
  static override readonly summary = 'Follow the messages as one node delivers them, until Ctrl-C';
  static override readonly description = `From now on, one line per message: sequence, view, sender, payload. Under --json one document per line.
A reader too slow for the node is told how many events it has missed.`;
  static override readonly examples = [
    { description: 'What the first local node delivers', command: '<%= config.bin %> gms tail' },
    {
      description: 'The next ten on the third node, at most a minute',
      command: '<%= config.bin %> gms tail --node n3 --count 10 --duration 1m --json',
    },
  ];
  static override readonly flags = {
    count: whole('count', 'end after so many messages', 1, 1_000_000_000),
    duration: duration('duration', 'end after so long'),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(GmsTail);
    await streamEvents({
      client: await this.client(flags),
      kinds: ['message'],
      count: flags.count,
      durationMs: flags.duration,
      write: ({ sequence, view, sender, payload, payloadBase64, type, count }) => {
        if (type === 'dropped') {
          this.say(`${String(count)} messages were too fast for this reader.`);
          return;
        }
        const content = payload === undefined ? { payloadBase64 } : { payload };
        const line = { sequence, view, sender, ...content };
        if (this.jsonEnabled()) this.emit({ schema: 'grp.gms.tail/1', ...line });
        else this.print(messageText(line, this.colours));
      },
    });
  }
}
