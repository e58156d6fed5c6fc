import { Flags } from '@oclif/core';
import { GrpCommand } from '../../base.ts';
import { envName } from '../../given.ts';

/** One node for Maelstrom's test bench. */
export class LabMaelstrom extends GrpCommand {
  static override readonly summary = 'Be one node of a test by Maelstrom: JSON lines on stdin and stdout';
  static override readonly description = `Maelstrom (https://github.com/jepsen-io/maelstrom) starts several of these, plays their network and their clients, and judges what the clients saw with Jepsen's checkers. Under lin-kv and txn-list-append is the raft that production runs, its messages in Maelstrom's; its disk is in memory, because Maelstrom never starts a node again. broadcast, g-set and pn-counter gossip until every neighbour has confirmed.
Ends when stdin does. stdout has Maelstrom's messages and nothing else, the log goes to stderr; with --json a last line counts the messages.`;
  static override readonly examples = [
    {
      description: 'What a wrapper script for maelstrom --bin runs',
      command: '<%= config.bin %> lab maelstrom --workload lin-kv',
    },
    {
      description: 'For a network as slow as maelstrom --latency 100 makes it',
      command: '<%= config.bin %> lab maelstrom --workload txn-list-append --preset wan',
    },
  ];
  static override readonly flags = {
    workload: Flags.option({
      char: 'w',
      description: 'what clients will ask of the nodes',
      env: envName('workload'),
      options: ['echo', 'broadcast', 'g-set', 'pn-counter', 'unique-ids', 'lin-kv', 'txn-list-append'] as const,
      required: true,
    })(),
    preset: Flags.option({
      description: 'timings of raft: lan for round trips of a few ms, wan for up to 150 ms (lan unless given)',
      env: envName('preset'),
      options: ['lan', 'wan'] as const,
      default: 'lan',
    })(),
  };

  override async run(): Promise<object> {
    const { flags } = await this.parse(LabMaelstrom);
    const { runMaelstromNode } = await import('../../lab/maelstrom.ts');
    const { workload, preset } = flags;
    const interruption = this.armSignals();
    try {
      const counts = await runMaelstromNode({ workload, preset }, interruption.signal);
      return { schema: 'grp.lab.maelstrom/1', workload, ...counts };
    } finally {
      interruption.disarm();
    }
  }
}
