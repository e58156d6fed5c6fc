import { RaftCommand, groupFlag } from '../../raft/command.ts';
import type { RaftStatusDocument } from '../../raft/documents.ts';

/** Takes a snapshot. */
export class RaftSnapshot extends RaftCommand {
  static override readonly summary = 'Let one server take a snapshot now, so that its next start replays little';
  static override readonly description =
    'Servers do so by themselves after 100,000 entries. Entries that followers may still need are kept. Ends when the snapshot is on disk.';
  static override readonly examples = [
    { description: 'The first local node', command: '<%= config.bin %> raft snapshot' },
    { description: 'The third, for a script', command: '<%= config.bin %> raft snapshot --node n3 --json' },
  ];
  static override readonly flags = groupFlag;

  override async run(): Promise<object> {
    const { flags } = await this.parse(RaftSnapshot);
    const client = await this.client(flags, 12_000);
    const { group, timeout: timeoutMs } = flags;
    return this.showStatus(await client.post<RaftStatusDocument>('/v1/raft/snapshot', { group, timeoutMs }));
  }
}
