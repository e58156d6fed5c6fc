import { GrpCommand } from '../../base.ts';
import { streamEvents } from '../../event-stream.ts';
import { duration, list, whole } from '../../flags.ts';
import { eventText } from '../../output/views.ts';

/** Streams everything that a node tells. */
export class NodeEvents extends GrpCommand {
  static override readonly summary = 'Follow everything that happens at a node, one line per event, until Ctrl-C';
  static override readonly description = `Under --json each line is one document. Exit code 5 when the node goes away first.`;
  static override readonly examples = [
    { description: 'Everything', command: '<%= config.bin %> node events' },
    {
      description: 'Only failures and leaves, for a script',
      command: '<%= config.bin %> node events --kinds down,leave --json',
    },
    {
      description: 'The next event, at most a minute',
      command: '<%= config.bin %> node events --count 1 --duration 1m',
    },
  ];
  static override readonly flags = {
    kinds: list('kinds', 'only these nouns or types: swim, join, down, leave, update, user-event, …', 'KIND'),
    count: whole('count', 'end after so many events', 1, 1_000_000_000),
    duration: duration('duration', 'end after so long'),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(NodeEvents);
    await streamEvents({
      client: await this.client(flags),
      kinds: flags.kinds ?? [],
      count: flags.count,
      durationMs: flags.duration,
      write: (event) => (this.jsonEnabled() ? this.emit(event) : this.print(eventText(event, this.colours))),
    });
  }
}
