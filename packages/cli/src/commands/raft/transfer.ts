import { sanitizeText } from '@grp/core';
import { optionalArgument } from '../../flags.ts';
import { RaftCommand, groupFlag } from '../../raft/command.ts';

/** Hands leadership over. */
export class RaftTransfer extends RaftCommand {
  static override readonly summary = 'Hand leadership over, to one server or to the best one';
  static override readonly description =
    'Takes some milliseconds, in which requests wait. A server of higher priority that has caught up may take it back. Exit code 6 when nobody took it.';
  static override readonly examples = [
    { description: 'Before the leader is stopped for a while', command: '<%= config.bin %> raft transfer' },
    { description: 'To a certain server', command: '<%= config.bin %> raft transfer n4 --json' },
  ];
  static override readonly args = { id: optionalArgument('its id in the group') };
  static override readonly flags = groupFlag;

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(RaftTransfer);
    const client = await this.leaderClient(flags);
    const answer = await client.post<{ readonly from: string; readonly leader: string | null }>('/v1/raft/transfer', {
      id: args.id,
      group: flags.group,
    });
    const { from, leader } = answer;
    return this.show(answer, () => `${sanitizeText(from)} has handed over to ${sanitizeText(leader ?? 'another')}.`);
  }
}
