import { sanitizeText } from '@grp/core';
import { ChatCommand, chatFlags } from '../../chat/command.ts';
import { readPassword } from '../../chat/password.ts';
import { argument, toggle } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Makes an account. */
export class ChatRegister extends ChatCommand {
  static override readonly summary = 'Make an account on all servers';
  static override readonly description =
    'The password is asked for unseen, or is the first line of stdin. It is hashed before it reaches the log. Exit code 6 when the name is taken.';
  static override readonly examples = [
    { description: 'Asks for a password', command: '<%= config.bin %> chat register ann' },
    { description: 'In a script', command: '<%= config.bin %> chat register ann --password-stdin --json < password' },
  ];
  static override readonly args = { name: argument('name of the account: letters, digits, dots, dashes, underscores') };
  static override readonly flags = {
    ...chatFlags,
    'password-stdin': toggle('password-stdin', 'the password is the first line of stdin'),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ChatRegister);
    const password = await readPassword({ fromStdin: flags['password-stdin'], message: 'Password', confirm: true });
    await this.withChat(flags, (client) => client.register(args.name, password));
    return this.show(
      document('grp.chat.register/1', { name: args.name }),
      () => `${sanitizeText(args.name)} is registered.`,
    );
  }
}
