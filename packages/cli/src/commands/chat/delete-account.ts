import { dirOf } from '../../base.ts';
import { ChatCommand, chatFlags } from '../../chat/command.ts';
import { readPassword } from '../../chat/password.ts';
import { forgetLogin } from '../../chat/token.ts';
import { toggle } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Deletes the account. */
export class ChatDeleteAccount extends ChatCommand {
  static override readonly summary = 'Delete your account, with all its sessions, for ever';
  static override readonly description =
    'What you said in rooms stays, as letters in a mailbox do; delete messages before, one by one, if you want.';
  static override readonly examples = [
    { description: 'Asks for the password', command: '<%= config.bin %> chat delete-account' },
    { description: 'In a script', command: '<%= config.bin %> chat delete-account --password-stdin --json < password' },
  ];
  static override readonly flags = {
    ...chatFlags,
    'password-stdin': toggle('password-stdin', 'the password is the first line of stdin'),
  };

  override async run(): Promise<object> {
    const { flags } = await this.parse(ChatDeleteAccount);
    const password = await readPassword({ fromStdin: flags['password-stdin'], message: 'Password' });
    await this.withChat(flags, (client) => client.deleteAccount(password));
    await forgetLogin(dirOf(flags));
    return this.show(document('grp.chat.delete-account/1', {}), () => 'The account is deleted.');
  }
}
