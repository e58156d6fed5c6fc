import { GrpCommand } from '../../base.ts';
import { tableWidth } from '../../output/table.ts';
import { groupsText, type GroupsDocument } from '../../tracker/views.ts';

/** Lists the groups of a tracker. */
export class TrackerGroups extends GrpCommand {
  static override readonly summary = 'List the groups of a tracker, secret ones included';
  static override readonly description = `With order, policy, members and topic; a limit counts members at one time. The HTTP API belongs to administrators, so that secret groups are listed, too.`;
  static override readonly examples = [
    {
      description: 'Of the tracker whose HTTP API is there',
      command: '<%= config.bin %> tracker groups --node 127.0.0.1:7953',
    },
    { description: 'For a program', command: '<%= config.bin %> tracker groups --json' },
  ];

  override async run(): Promise<object> {
    const { flags } = await this.parse(TrackerGroups);
    const client = await this.client(flags);
    const list = await client.get<GroupsDocument>('/v1/tracker/groups');
    return this.show(list, () => groupsText(list, { colours: this.colours, width: tableWidth(process.stdout) }));
  }
}
