import { duration, toggle } from '../../flags.ts';
import { DfsCommand } from '../../dfs/command.ts';
import type { RepairDocument } from '../../dfs/documents.ts';
import { repairText } from '../../dfs/views.ts';
import { watchLive } from '../../output/live.ts';
import { tableWidth } from '../../output/table.ts';

const watchMsDefault = 500;

/** Shows how repair gets on, or has every node look for something to repair. */
export class DfsRepair extends DfsCommand {
  static override readonly summary = 'Have all nodes check what they hold; with --status only show how repair gets on';
  static override readonly description = `Repair needs no command: a node that dies, and rot that a read or the background check meets, start it. This one starts the check now, on the node that is named or on all local ones: every copy is read, what is altered or missing is made anew.
With --status nothing is started. Idle means that no replica is missing and no node is being waited for.`;
  static override readonly examples = [
    { description: 'How far it is', command: '<%= config.bin %> dfs repair --status' },
    { description: 'Follow it until Ctrl-C', command: '<%= config.bin %> dfs repair --status --watch --json' },
    { description: 'Check everything now', command: '<%= config.bin %> dfs repair' },
  ];
  static override readonly flags = {
    status: toggle('status', 'only show'),
    watch: toggle('watch', 'show it again and again, until Ctrl-C'),
    interval: duration('interval', 'how often with --watch (500ms unless given)'),
  };

  override async run(): Promise<object | undefined> {
    const { flags } = await this.parse(DfsRepair);
    const options = { colours: this.colours, width: tableWidth(process.stdout) };
    if (!flags.status) for (const client of await this.clients(flags)) await client.post('/v1/dfs/repair', {});
    const fetch = () => this.ask(flags, (client) => client.get<RepairDocument>('/v1/dfs/repair'));
    if (!flags.watch) {
      const status = await fetch();
      return this.show(status, () => repairText(status, options));
    }
    const interruption = this.armSignals();
    try {
      await watchLive<RepairDocument>({
        signal: interruption.signal,
        intervalMs: flags.interval ?? watchMsDefault,
        fetch,
        draw: (status) => repairText(status, options),
        drawError: (error) => String(error),
        write: (status) => (this.jsonEnabled() ? this.emit(status) : this.print(repairText(status, options))),
        key: ({ servers, ...status }) => JSON.stringify([status, servers.map(({ node, up }) => [node, up])]),
        terminal: process.stdout.isTTY && !this.jsonEnabled(),
      });
    } finally {
      interruption.disarm();
    }
    return undefined;
  }
}
