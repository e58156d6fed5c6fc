import { GrpCommand } from '../../base.ts';
import { argument, whole } from '../../flags.ts';
import { timeText } from '../../output/units.ts';

interface MulticastDocument {
  readonly sender: string;
  readonly count: number;
  readonly sequence: number;
  readonly view: number;
  readonly first: { readonly sequence: number; readonly view: number };
}

/** Multicasts a message to the group. */
export class GmsMcast extends GrpCommand {
  static override readonly summary = 'Multicast a message: every member delivers it, all in the same order';
  static override readonly description = `Ends when the asked node has delivered the message itself, at the group's level (agreed or safe).
Exit code 7 while that node is on the minority side of a partition; 5 after --timeout (10s): the message may still come.`;
  static override readonly examples = [
    { description: 'From the first local node', command: '<%= config.bin %> gms mcast hello' },
    {
      description: 'A thousand of them from the second, for a script',
      command: '<%= config.bin %> gms mcast hello --count 1000 --node n2 --json',
    },
  ];
  static override readonly args = { message: argument('text of the message, up to 1 MiB') };
  static override readonly flags = { count: whole('count', 'send it so many times', 1, 1_000_000) };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(GmsMcast);
    const client = await this.client(flags);
    const timeoutMs = flags.timeout ?? 10_000;
    const began = performance.now();
    const body = { payload: args.message, count: flags.count ?? 1, timeoutMs };
    // The node itself gives up after `timeoutMs`: wait a little longer, to hear why.
    const sent = await client.post<MulticastDocument>('/v1/gms/mcast', body, timeoutMs + 2_000);
    const took = timeText(performance.now() - began);
    return this.show(sent, () =>
      sent.count === 1
        ? `Delivered as message ${sent.sequence} in view ${sent.view} (${took}).`
        : `${sent.count} delivered, messages ${sent.first.sequence} to ${sent.sequence} (${took}).`,
    );
  }
}
