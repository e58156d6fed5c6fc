import { Flags } from '@oclif/core';
import { GrpCommand } from '../base.ts';
import { cliError } from '../errors.ts';
import { list, text, toggle } from '../flags.ts';
import { envName } from '../given.ts';
import { tableWidth } from '../output/table.ts';

/** The peer-to-peer messenger. */
export class Messenger extends GrpCommand {
  static override readonly summary = 'Talk in groups, peer to peer, with a tracker that knows who is there';
  static override readonly description = `Lines go to everybody in the group. !h lists the commands: !g groups, !lm members, !j join, !w write to, !e exit, !q quit, !p peers, !o order, !s statistics, !t topic, !a away, !i ignore; / works as !.
In total order everybody reads the same messages in the same order, whoever dies in the middle; in FIFO order each sender's messages keep theirs. Members talk directly to each other, also while the tracker is away.
Without a terminal, with --plain or --json it reads lines on stdin and ends with it: messages on stdout, notices on stderr; under --json all of it on stdout, one JSON object per line.`;
  static override readonly examples = [
    {
      description: 'Talk in a group, in one order for all',
      command: '<%= config.bin %> messenger --tracker 127.0.0.1:7949 --nick ann --order total --group tea',
    },
    {
      description: 'Say what is in a file, from a script',
      command: '<%= config.bin %> messenger --tracker 127.0.0.1:7949 --nick ci --group tea --json < report.txt',
    },
  ];
  static override readonly flags = {
    tracker: text('tracker', 'where the tracker is (127.0.0.1:7949 unless given)', 'HOST:PORT'),
    nick: text('nick', 'what the others call you', 'NAME'),
    order: Flags.string({
      description: 'order of messages in groups that you make (fifo unless given)',
      env: envName('order'),
      options: ['fifo', 'total'],
      helpValue: 'fifo|total',
    }),
    group: list('group', 'groups to join; lines go to the first', 'NAME'),
    'group-key-file': text('group-key-file', 'file with the key of the groups (mode 600)', 'FILE'),
    plain: toggle('plain', 'no line editor: lines in, lines out'),
    stay: toggle('stay', 'with --plain or --json: go on reading messages after the end of stdin'),
    'metrics-out': text('metrics-out', 'write the metrics to this file at the end, as JSON', 'FILE'),
    bind: text('bind', 'where the others reach you: a UDP address (a free port unless given)', 'HOST:PORT'),
    advertise: text('advertise', 'that address as the others see it', 'HOST:PORT'),
    'key-file': text(
      'key-file',
      'file with a key in base64 (mode 600) that seals what members send each other',
      'FILE',
    ),
    tls: toggle('tls', 'TLS to the tracker, checked against --tls-ca or the authorities that Node knows'),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Messenger);
    const { nick } = flags;
    if (nick === undefined)
      throw cliError('CLI_USAGE', { context: { what: 'Who are you?' }, hint: 'Give yourself a name: --nick ann' });
    const [{ openMessenger }, { messengerInput }, run] = await Promise.all([
      import('@grp/messenger'),
      import('../messenger/input.ts'),
      import('../messenger/run.ts'),
    ]);
    const interruption = this.armSignals();
    const { key, ...given } = await messengerInput({ ...flags, nick });
    const opened = await openMessenger(given);
    const { messenger } = opened;
    try {
      await messenger.start({ timeoutMs: flags.timeout ?? 10_000, signal: interruption.signal });
      const order: 'fifo' | 'total' = flags.order === 'total' ? 'total' : 'fifo';
      const common = {
        ...{ messenger, order, key, groups: flags.group ?? [], signal: interruption.signal },
      };
      const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !flags.plain && !this.jsonEnabled();
      const options = { colours: this.colours, width: tableWidth(process.stdout) };
      const screen = await this.#screen(options);
      const how = isTerminal
        ? await run.converseOnTerminal({ ...common, text: options })
        : await run.converse({ ...common, screen, input: process.stdin, stay: flags.stay });
      await opened.close(how);
      const metrics = messenger.metrics();
      if (flags['metrics-out'] !== undefined) await run.writeMetrics(flags['metrics-out'], metrics);
      screen.show({ type: 'metrics', ...metrics });
    } catch (cause) {
      if (!interruption.signal.aborted) throw cause; // somebody did not want to wait for it
    } finally {
      await opened.close();
      interruption.disarm();
      process.stdin.destroy(); // nobody reads on; a pipe that stays open would keep this process
    }
  }

  async #screen(options: { colours: GrpCommand['colours']; width: number | undefined }) {
    const { jsonScreen, plainScreen } = await import('../messenger/plain-screen.ts');
    const out = (line: string): void => void process.stdout.write(line);
    return this.jsonEnabled() ? jsonScreen(out) : plainScreen(out, (line) => void process.stderr.write(line), options);
  }
}
