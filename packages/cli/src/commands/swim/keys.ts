import { sanitizeText } from '@grp/core';
import { Args } from '@oclif/core';
import { GrpCommand } from '../../base.ts';
import type { KeysDocument } from '../../client/documents.ts';
import { cliError } from '../../errors.ts';
import { text } from '../../flags.ts';
import { document } from '../../output/json.ts';
import { table, tableWidth } from '../../output/table.ts';

/** Lists and rotates the cluster's keys. */
export class SwimKeys extends GrpCommand {
  static override readonly summary = 'List the keys of the cluster, or rotate them without downtime';
  static override readonly description = `Rotation takes three steps, each on any one node: install the new key everywhere, use it everywhere, remove the old one.
The key is read from --key-file (its first key), never from the command line. Exit code 1 when a member did not do it.`;
  static override readonly examples = [
    { description: 'Which member holds which key', command: '<%= config.bin %> swim keys' },
    { description: 'First step of a rotation', command: '<%= config.bin %> swim keys install --key-file new.key' },
    { description: 'Last step', command: '<%= config.bin %> swim keys remove --key-file old.key --json' },
  ];
  static override readonly args = {
    action: Args.string({
      description: 'what to do',
      options: ['list', 'install', 'use', 'remove'],
      default: 'list',
      ignoreStdin: true,
    }),
  };
  static override readonly flags = {
    'key-file': text('key-file', 'file with the key in base64 (mode 600)', 'FILE'),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(SwimKeys);
    const client = await this.client(flags, 30_000);
    const answer =
      args.action === 'list'
        ? await client.get<KeysDocument>('/v1/swim/keys')
        : await client.post<KeysDocument>('/v1/swim/keys', {
            action: args.action,
            key: await keyFrom(flags['key-file']),
          });
    const missed = Object.keys(answer.errors).length > 0 || answer.answered < answer.members;
    if (missed && args.action !== 'list') process.exitCode = 1;
    return this.show(document('grp.swim.keys/1', answer), () => this.#text(answer));
  }

  #text({ answered, members, keys, errors }: KeysDocument): string {
    const rows = Object.entries(keys).map(([key, count]) => ({ key, count }));
    const columns = [
      // Enough to tell keys apart, not enough to use one.
      { title: 'KEY', text: ({ key }: { key: string }) => `${key.slice(0, 6)}…` },
      { title: 'MEMBERS', text: ({ count }: { count: number }) => `${count} of ${members}`, align: 'right' as const },
    ];
    const drawn =
      rows.length === 0 ? [] : [table(rows, columns, { colours: this.colours, width: tableWidth(process.stdout) })];
    const failed = Object.entries(errors).map(([name, message]) =>
      this.colours.red(`${sanitizeText(name)}: ${sanitizeText(message)}`),
    );
    return [...drawn, `${answered} of ${members} members answered.`, ...failed].join('\n');
  }
}

async function keyFrom(file: string | undefined): Promise<string> {
  if (file === undefined) {
    throw cliError('CLI_USAGE', {
      context: { what: 'Which key? Name its file.' },
      hint: 'Give --key-file; make a key with: (umask 077; head -c 32 /dev/urandom | base64 > new.key)',
    });
  }
  const { readKeyFile } = await import('@grp/node');
  const [key] = await readKeyFile(file);
  return Buffer.from(key as Uint8Array).toString('base64');
}
