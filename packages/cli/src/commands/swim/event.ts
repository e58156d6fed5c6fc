import { GrpCommand } from '../../base.ts';
import { argument, optionalArgument, toggle } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Sends a user event. */
export class SwimEvent extends GrpCommand {
  static override readonly summary = 'Send an event of your own to every member';
  static override readonly description =
    'It reaches each member at least once, in no order; name and text together may take 512 bytes.';
  static override readonly examples = [
    { description: 'An event with text', command: '<%= config.bin %> swim event deploy v1.2.3' },
    {
      description: 'Only the newest of its name counts',
      command: '<%= config.bin %> swim event reload --coalesce --json',
    },
  ];
  static override readonly args = {
    name: argument('name of the event'),
    payload: optionalArgument('text to send with it'),
  };
  static override readonly flags = { coalesce: toggle('coalesce', 'a newer event of this name replaces it') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(SwimEvent);
    const client = await this.client(flags);
    const { name, payload = '' } = args;
    await client.post('/v1/swim/event', { name, payload, coalesce: flags.coalesce });
    return this.show(document('grp.swim.event/1', { name, payload }), () => `${name} is on its way.`);
  }
}
