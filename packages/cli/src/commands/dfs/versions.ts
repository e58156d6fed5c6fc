import { argument, whole } from '../../flags.ts';
import { DfsCommand } from '../../dfs/command.ts';
import type { VersionsDocument } from '../../dfs/documents.ts';
import { checkName, withQuery } from '../../dfs/paths.ts';
import { versionsText } from '../../dfs/views.ts';
import { tableWidth } from '../../output/table.ts';

/** Lists the versions of a file. */
export class DfsVersions extends DfsCommand {
  static override readonly summary = 'List the versions of a file that are kept, newest first';
  static override readonly description = `Each can be read with "dfs get --version". A removal is a version, too, which hides the older ones.`;
  static override readonly examples = [
    { description: 'The last three', command: '<%= config.bin %> dfs versions config.json -n 3' },
    { description: 'All, for a program', command: '<%= config.bin %> dfs versions config.json --json' },
  ];
  static override readonly args = { name: argument('name in the store') };
  static override readonly flags = { count: whole('count', 'at most so many (all unless given)', 1, 1_000, 'n') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(DfsVersions);
    const path = withQuery('/v1/dfs/versions', { name: await checkName(args.name), limit: flags.count });
    const list = await this.ask(flags, (client) => client.get<VersionsDocument>(path));
    return this.show(list, () => versionsText(list, { colours: this.colours, width: tableWidth(process.stdout) }));
  }
}
