import { DfsCommand } from '../../dfs/command.ts';
import type { StoreDocument } from '../../dfs/documents.ts';
import { storeText } from '../../dfs/views.ts';
import { tableWidth } from '../../output/table.ts';

/** Shows what one node holds. */
export class DfsStore extends DfsCommand {
  static override readonly summary = 'Show what one node holds: files, versions, bytes';
  static override readonly description = `Of the node that is named by --node, or the first one. What is on its disk, and by its own copy of the metadata a name for it.`;
  static override readonly examples = [
    { description: 'The third node', command: '<%= config.bin %> dfs store --node n3' },
    { description: 'The first one, for a program', command: '<%= config.bin %> dfs store --json' },
  ];

  override async run(): Promise<object> {
    const { flags } = await this.parse(DfsStore);
    const store = await this.ask(flags, (client) => client.get<StoreDocument>('/v1/dfs/store'));
    return this.show(store, () => storeText(store, { colours: this.colours, width: tableWidth(process.stdout) }));
  }
}
