import { Flags } from '@oclif/core';
import { GrpCommand } from '../../base.ts';
import { argument, list, text, whole } from '../../flags.ts';
import { envName } from '../../given.ts';
import { tableWidth } from '../../output/table.ts';
import { readSecret } from '../../secret-file.ts';
import { policyText, type PolicyDocument } from '../../tracker/views.ts';

/** Reads or changes who may join a group, and who may speak in it. */
export class TrackerPolicy extends GrpCommand {
  static override readonly summary = 'Show or change who may join a group, and who may speak in it';
  static override readonly description = `Without flags it shows the policy. Patterns of --allow and --deny are nicks, key:PUBLIC_KEY or host:ADDRESS. A key is read from a file, never from the command line.`;
  static override readonly examples = [
    { description: 'As it is', command: '<%= config.bin %> tracker policy tea' },
    {
      description: 'Only invited members, and only those with a voice speak',
      command: '<%= config.bin %> tracker policy tea --access invite --moderated',
    },
  ];
  static override readonly args = { group: argument('name of the group') };
  static override readonly flags = {
    access: Flags.option({
      options: ['open', 'key', 'invite', 'allow'] as const,
      description: 'who may join: all; who knows the key; who was invited; who is on the list',
      env: envName('access'),
    })(),
    'group-key-file': text('group-key-file', 'file with the key of the group (mode 600)', 'FILE'),
    allow: list('allow', 'who may join with --access allow; replaces the list', 'PATTERN'),
    deny: list('deny', 'who may never join; replaces the list', 'PATTERN'),
    limit: whole('limit', 'most members at a time', 1, 1_000_000),
    moderated: Flags.boolean({
      description: 'only who has a voice may speak',
      env: envName('moderated'),
      allowNo: true,
    }),
    secret: Flags.boolean({ description: 'not in the list of groups', env: envName('secret'), allowNo: true }),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(TrackerPolicy);
    const client = await this.client(flags);
    const keyFile = flags['group-key-file'];
    const key = keyFile === undefined ? undefined : (await readSecret(keyFile)).trim();
    const { access, allow, deny, limit, moderated, secret } = flags;
    const given = Object.entries({ access, key, allow, deny, limit, moderated, secret });
    const changes = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    const isRead = Object.keys(changes).length === 0;
    const policy = isRead
      ? await client.get<PolicyDocument>(`/v1/tracker/policy?group=${encodeURIComponent(args.group)}`)
      : await client.post<PolicyDocument>('/v1/tracker/policy', { group: args.group, ...changes });
    return this.show(policy, () => policyText(policy, { colours: this.colours, width: tableWidth(process.stdout) }));
  }
}
