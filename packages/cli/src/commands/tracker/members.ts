import { GrpCommand } from '../../base.ts';
import { argument } from '../../flags.ts';
import { tableWidth } from '../../output/table.ts';
import { groupMembersText, type GroupMembersDocument } from '../../tracker/views.ts';

/** Lists the members of a group. */
export class TrackerMembers extends GrpCommand {
  static override readonly summary = 'List the members of a group, oldest stay first';
  static override readonly description = `The oldest member comes first: it leads view changes, and it is the one that late joiners ask for the history.`;
  static override readonly examples = [
    { description: 'Who is at tea', command: '<%= config.bin %> tracker members tea' },
    { description: 'For a program', command: '<%= config.bin %> tracker members tea --json' },
  ];
  static override readonly args = { group: argument('name of the group') };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(TrackerMembers);
    const client = await this.client(flags);
    const path = `/v1/tracker/members?group=${encodeURIComponent(args.group)}`;
    const list = await client.get<GroupMembersDocument>(path);
    return this.show(list, () => groupMembersText(list, { colours: this.colours, width: tableWidth(process.stdout) }));
  }
}
