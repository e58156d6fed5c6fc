import { GrpCommand } from '../../base.ts';
import { streamEvents } from '../../event-stream.ts';
import { duration, list, whole } from '../../flags.ts';
import { eventText } from '../../output/views.ts';

/** Streams membership events. */
export class SwimEvents extends GrpCommand {
  static override readonly summary =
    'Follow the membership: joins, suspicions, failures, leaves, user events, until Ctrl-C';
  static override readonly description = 'Only what happens from now on; the list as it is comes from "swim members".';
  static override readonly examples = [
    { description: 'Everything about the membership', command: '<%= config.bin %> swim events' },
    {
      description: 'Failures only, one JSON document per line',
      command: '<%= config.bin %> swim events --kinds down --json',
    },
    {
      description: 'Wait for the next join, at most a minute',
      command: '<%= config.bin %> swim events --kinds join --count 1 --duration 1m',
    },
  ];
  static override readonly flags = {
    kinds: list(
      'kinds',
      'only these types: join, alive, suspect, down, leave, update, forget, user-event, query',
      'KIND',
    ),
    count: whole('count', 'end after so many events', 1, 1_000_000_000),
    duration: duration('duration', 'end after so long'),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(SwimEvents);
    await streamEvents({
      client: await this.client(flags),
      kinds: flags.kinds ?? ['swim'],
      count: flags.count,
      durationMs: flags.duration,
      write: (event) => (this.jsonEnabled() ? this.emit(event) : this.print(eventText(event, this.colours))),
    });
  }
}
