import type { TrackerMetrics as Metrics } from '@grp/tracker';
import { GrpCommand } from '../../base.ts';
import { tableWidth } from '../../output/table.ts';
import { trackerMetricsText } from '../../tracker/views.ts';

/** Shows what a tracker and the members of its groups have measured. */
export class TrackerMetrics extends GrpCommand {
  static override readonly summary = 'Show what the tracker has counted, and what members have measured, by group';
  static override readonly description = `Members report when they leave a group or quit: throughput and latency of what they received. Percentiles are of all messages together, not means of percentiles.`;
  static override readonly examples = [
    { description: 'All groups', command: '<%= config.bin %> tracker metrics' },
    { description: 'For a program', command: '<%= config.bin %> tracker metrics --json' },
  ];

  override async run(): Promise<object> {
    const { flags } = await this.parse(TrackerMetrics);
    const client = await this.client(flags);
    const metrics = await client.get<Metrics>('/v1/tracker/metrics');
    return this.show(metrics, () =>
      trackerMetricsText(metrics, { colours: this.colours, width: tableWidth(process.stdout) }),
    );
  }
}
