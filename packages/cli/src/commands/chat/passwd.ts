import { ChatCommand, chatFlags } from '../../chat/command.ts';
import { readPasswords } from '../../chat/password.ts';
import { toggle } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Changes the password. */
export class ChatPasswd extends ChatCommand {
  static override readonly summary = 'Change your password; all your other sessions end';
  static override readonly description = 'This session goes on. Exit code 4 when the password so far is wrong.';
  static override readonly examples = [
    { description: 'Asks for both passwords', command: '<%= config.bin %> chat passwd' },
    {
      description: 'Old and new one, a line each',
      command: '<%= config.bin %> chat passwd --password-stdin --json < passwords',
    },
  ];
  static override readonly flags = {
    ...chatFlags,
    'password-stdin': toggle('password-stdin', 'the old and the new password are the first two lines of stdin'),
  };

  override async run(): Promise<object> {
    const { flags } = await this.parse(ChatPasswd);
    const passwords = await readPasswords(flags['password-stdin']);
    await this.withChat(flags, (client) => client.changePassword(passwords.old, passwords.new));
    return this.show(document('grp.chat.passwd/1', {}), () => 'The password is changed.');
  }
}
