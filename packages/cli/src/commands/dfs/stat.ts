import { argument, toggle } from '../../flags.ts';
import { DfsCommand } from '../../dfs/command.ts';
import type { StatDocument } from '../../dfs/documents.ts';
import { checkName, withQuery } from '../../dfs/paths.ts';
import { statText } from '../../dfs/views.ts';
import { tableWidth } from '../../output/table.ts';

/** Shows a file and its replicas. */
export class DfsStat extends DfsCommand {
  static override readonly summary = 'Show a file: version, digest, and how each replica is';
  static override readonly description = `The states of replicas are live, down, and with --verify also missing or altered: then every holder reads all of its copy.`;
  static override readonly examples = [
    { description: 'A file', command: '<%= config.bin %> dfs stat reports/2026/report.pdf' },
    { description: 'And read all replicas', command: '<%= config.bin %> dfs stat config.json --verify --json' },
  ];
  static override readonly args = { name: argument('name in the store') };
  static override readonly flags = { verify: toggle('verify', 'have every holder read its copy') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(DfsStat);
    const verify = flags.verify ? 'true' : undefined;
    const path = withQuery('/v1/dfs/stat', { name: await checkName(args.name), verify });
    const stat = await this.ask(flags, (client) => client.get<StatDocument>(path));
    return this.show(stat, () => statText(stat, { colours: this.colours, width: tableWidth(process.stdout) }));
  }
}
