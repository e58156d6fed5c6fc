import { GrpCommand } from '../../base.ts';
import type { BandwidthDocument } from '../../client/documents.ts';
import { tableWidth } from '../../output/table.ts';
import { bandwidthText } from '../../output/views.ts';

/** Shows what membership costs one node. */
export class SwimBandwidth extends GrpCommand {
  static override readonly summary = 'Show the bytes and packets that the membership costs one node';
  static override readonly description =
    'In total, by message type and by peer, since the start or the last "swim reset".';
  static override readonly examples = [
    { description: 'The first local node', command: '<%= config.bin %> swim bandwidth' },
    { description: 'For a script', command: '<%= config.bin %> swim bandwidth --node n2 --json' },
  ];

  override async run(): Promise<object> {
    const { flags } = await this.parse(SwimBandwidth);
    const client = await this.client(flags);
    const report = await client.get<BandwidthDocument>('/v1/swim/bandwidth');
    const options = { colours: this.colours, width: tableWidth(process.stdout) };
    return this.show(report, () => bandwidthText(report, Date.now(), options));
  }
}
