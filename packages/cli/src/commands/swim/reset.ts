import { GrpCommand } from '../../base.ts';
import type { BandwidthDocument } from '../../client/documents.ts';

/** Zeroes the bandwidth counters. */
export class SwimReset extends GrpCommand {
  static override readonly summary = 'Set the bandwidth counters of one node to zero';
  static override readonly description = 'From now on "swim bandwidth" counts anew. Nothing else changes.';
  static override readonly examples = [
    { description: 'The first local node', command: '<%= config.bin %> swim reset' },
    {
      description: 'Another one; prints the new, empty report',
      command: '<%= config.bin %> swim reset --node n2 --json',
    },
  ];

  override async run(): Promise<object> {
    const { flags } = await this.parse(SwimReset);
    const client = await this.client(flags);
    const report = await client.post<BandwidthDocument>('/v1/swim/reset', {});
    return this.show(report, () => `Counting from zero since ${report.since}.`);
  }
}
