import { argument, whole } from '../../flags.ts';
import { DfsCommand } from '../../dfs/command.ts';
import { checkName, filePath } from '../../dfs/paths.ts';

/** Removes a file. */
export class DfsRm extends DfsCommand {
  static override readonly summary = 'Remove a file: its newest version then says that there is none';
  static override readonly description = `Older versions can be read with --version for a while (an hour by default); then they and the removal itself are collected.`;
  static override readonly examples = [
    { description: 'A file', command: '<%= config.bin %> dfs rm reports/2026/report.pdf' },
    {
      description: 'Only if nobody has changed it since version 42',
      command: '<%= config.bin %> dfs rm config.json --if-version 42 --json',
    },
  ];
  static override readonly args = { name: argument('name in the store') };
  static override readonly flags = {
    'if-version': whole('if-version', 'only if this is the newest version', 1, Number.MAX_SAFE_INTEGER),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(DfsRm);
    const path = filePath(await checkName(args.name), { 'if-version': flags['if-version'] });
    const removed = await this.ask(flags, (client) =>
      client.delete<{ readonly name: string; readonly version: number }>(path),
    );
    return this.show(removed, () => `Removed, as version ${removed.version}.`);
  }
}
