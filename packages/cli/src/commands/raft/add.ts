import { cliError } from '../../errors.ts';
import { argument, text } from '../../flags.ts';
import { RaftCommand, groupFlag } from '../../raft/command.ts';
import type { RaftStatusDocument } from '../../raft/documents.ts';

/** Adds a server as a learner. */
export class RaftAdd extends RaftCommand {
  static override readonly summary = 'Add a server that waits, as a learner: it gets the log and does not vote';
  static override readonly description = `The server must run and wait: started with --join and without being named in the cluster file, or restarted with --empty. Once it has caught up, "raft promote" lets it vote. Exit code 6 when the node asked does not lead.`;
  static override readonly examples = [
    { description: 'A node of the local cluster whose disk was emptied', command: '<%= config.bin %> raft add n3' },
    {
      description: 'A server on another host, asked of the leader',
      command: '<%= config.bin %> raft add server6 --address 10.0.0.6:7950 --node 10.0.0.1:7953',
    },
  ];
  static override readonly args = { id: argument('its id, as "raft status" of it says; or a local node') };
  static override readonly flags = {
    ...groupFlag,
    address: text('address', 'its peer address (known for local nodes)', 'H:P'),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(RaftAdd);
    const { id, address } = await this.serverOf(args.id, flags);
    const reached = flags.address ?? address;
    if (reached === undefined) throw cliError('CLI_USAGE', { context: { what: `Say where ${id} is: --address.` } });
    const client = await this.leaderClient(flags);
    const body = { id, address: reached, group: flags.group };
    return this.showStatus(await client.post<RaftStatusDocument>('/v1/raft/add', body));
  }
}
