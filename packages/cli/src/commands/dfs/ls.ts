import { optionalArgument, text, whole } from '../../flags.ts';
import { DfsCommand } from '../../dfs/command.ts';
import type { ListDocument } from '../../dfs/documents.ts';
import { withQuery } from '../../dfs/paths.ts';
import { listText } from '../../dfs/views.ts';
import { tableWidth } from '../../output/table.ts';

/** Lists files. */
export class DfsLs extends DfsCommand {
  static override readonly summary = 'List files, and which nodes hold them';
  static override readonly description = `Those whose names begin with PREFIX, or all, in the order of their names. A whole name is a prefix, too.`;
  static override readonly examples = [
    { description: 'Everything', command: '<%= config.bin %> dfs ls' },
    { description: 'Who holds this file', command: '<%= config.bin %> dfs ls reports/2026/report.pdf --json' },
    { description: 'The next page', command: '<%= config.bin %> dfs ls logs/ --after logs/k.txt --limit 100' },
  ];
  static override readonly args = { prefix: optionalArgument('what the names begin with') };
  static override readonly flags = {
    limit: whole('limit', 'at most so many (10,000 unless given)', 1, 10_000),
    after: text('after', 'only names after this one', 'NAME'),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(DfsLs);
    const path = withQuery('/v1/dfs/ls', { prefix: args.prefix, after: flags.after, limit: flags.limit });
    const list = await this.ask(flags, (client) => client.get<ListDocument>(path));
    return this.show(list, () => listText(list, { colours: this.colours, width: tableWidth(process.stdout) }));
  }
}
