import { sanitizeText } from '@grp/core';
import { ChatCommand, chatFlags } from '../../chat/command.ts';
import { optionalArgument } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Lists accounts. */
export class ChatUsers extends ChatCommand {
  static override readonly summary = 'List accounts, all or those that match';
  static override readonly description =
    'Everyone with an account, in alphabetical order, whether or not they are there.';
  static override readonly examples = [
    { description: 'Everyone', command: '<%= config.bin %> chat users' },
    { description: 'Names that begin with an a', command: "<%= config.bin %> chat users 'a*' --json" },
  ];
  static override readonly args = { pattern: optionalArgument('* and ? as in file names') };
  static override readonly flags = chatFlags;

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ChatUsers);
    const users = await this.withChat(flags, (client) => client.users(args.pattern ?? '*'));
    return this.show(document('grp.chat.users/1', { users }), () => users.map((name) => sanitizeText(name)).join('\n'));
  }
}
