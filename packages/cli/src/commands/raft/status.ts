import { RaftCommand, groupFlag } from '../../raft/command.ts';

/** Shows one server of a raft group. */
export class RaftStatus extends RaftCommand {
  static override readonly summary = 'Show one server of a raft group: role, term, leader, how far it is';
  static override readonly description =
    'commitIndex is what is known to be on a majority, appliedIndex what the state machine has, lastIndex the end of the log.';
  static override readonly examples = [
    { description: 'The first local node', command: '<%= config.bin %> raft status' },
    { description: 'The third, for a script', command: '<%= config.bin %> raft status --node n3 --json' },
  ];
  static override readonly flags = groupFlag;

  override async run(): Promise<object> {
    const { flags } = await this.parse(RaftStatus);
    return this.showStatus(await this.status(await this.client(flags), flags.group));
  }
}
