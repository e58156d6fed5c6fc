import { sanitizeText } from '@grp/core';
import { dirOf } from '../../base.ts';
import { ChatCommand, chatFlags } from '../../chat/command.ts';
import { readPassword } from '../../chat/password.ts';
import { keepLogin } from '../../chat/token.ts';
import { argument, toggle } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Logs in. */
export class ChatLogin extends ChatCommand {
  static override readonly summary = 'Log in; the next chat commands from this folder are yours';
  static override readonly description =
    'The token is kept in --dir, for you alone (mode 0600), until "chat logout" or for thirty days. Exit code 4 when the name or the password is wrong.';
  static override readonly examples = [
    { description: 'Asks for the password', command: '<%= config.bin %> chat login ann' },
    { description: 'In a script', command: '<%= config.bin %> chat login ann --password-stdin --json < password' },
  ];
  static override readonly args = { name: argument('name of the account') };
  static override readonly flags = {
    ...chatFlags,
    'password-stdin': toggle('password-stdin', 'the password is the first line of stdin'),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ChatLogin);
    const password = await readPassword({ fromStdin: flags['password-stdin'], message: 'Password' });
    const token = await this.withChat(flags, (client) => client.login(args.name, password));
    await keepLogin(dirOf(flags), { name: args.name, token });
    return this.show(
      document('grp.chat.login/1', { name: args.name }),
      () => `Logged in as ${sanitizeText(args.name)}.`,
    );
  }
}
