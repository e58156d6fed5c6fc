import { GrpCommand } from '../../base.ts';
import { table, tableWidth } from '../../output/table.ts';

interface RttDocument {
  readonly members: readonly {
    readonly name: string;
    readonly measuredMs: number | null;
    readonly estimatedMs: number | null;
  }[];
}

/** Shows round trips. */
export class SwimRtt extends GrpCommand {
  static override readonly summary = 'Show round-trip times from one node to the others';
  static override readonly description =
    'Measured by probes, and estimated from network coordinates for members never probed from there.';
  static override readonly examples = [
    { description: 'From the first local node', command: '<%= config.bin %> swim rtt' },
    { description: 'From another, for a script', command: '<%= config.bin %> swim rtt --node n3 --json' },
  ];

  override async run(): Promise<object> {
    const { flags } = await this.parse(SwimRtt);
    const client = await this.client(flags);
    const answer = await client.get<RttDocument>('/v1/swim/rtt');
    const options = { colours: this.colours, width: tableWidth(process.stdout) };
    return this.show(answer, () =>
      table(
        answer.members,
        [
          { title: 'NAME', text: ({ name }) => name },
          { title: 'MEASURED', text: ({ measuredMs }) => inMs(measuredMs), align: 'right' },
          { title: 'ESTIMATED', text: ({ estimatedMs }) => inMs(estimatedMs), align: 'right' },
        ],
        options,
      ),
    );
  }
}

function inMs(value: number | null): string {
  return value === null ? '' : `${value.toFixed(2)} ms`;
}
