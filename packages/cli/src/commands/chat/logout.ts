import { dirOf } from '../../base.ts';
import { ChatCommand, chatFlags } from '../../chat/command.ts';
import { forgetLogin } from '../../chat/token.ts';
import { document } from '../../output/json.ts';

/** Logs out. */
export class ChatLogout extends ChatCommand {
  static override readonly summary = 'Log out: the session ends on all servers';
  static override readonly description =
    'The token in --dir is forgotten, and nobody who has a copy of it can use it any more.';
  static override readonly examples = [
    { description: 'From this folder', command: '<%= config.bin %> chat logout' },
    { description: 'In a script', command: '<%= config.bin %> chat logout --json' },
  ];
  static override readonly flags = chatFlags;

  override async run(): Promise<object> {
    const { flags } = await this.parse(ChatLogout);
    await this.withChat(flags, (client) => client.logout());
    await forgetLogin(dirOf(flags));
    return this.show(document('grp.chat.logout/1', {}), () => 'Logged out.');
  }
}
