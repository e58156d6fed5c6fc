import { ChatCommand, chatFlags } from '../../chat/command.ts';
import { roomsText } from '../../chat/views.ts';
import { document } from '../../output/json.ts';
import { tableWidth } from '../../output/table.ts';

/** List the rooms with messages that you have not read. */
export class ChatUnread extends ChatCommand {
  static override readonly summary = 'List the rooms with messages that you have not read';
  static override readonly description =
    'Messages count as read in the order of their room, up to the last one that was marked or that you sent yourself.';
  static override readonly examples = [
    { description: 'What came while you were away', command: '<%= config.bin %> chat unread' },
    { description: 'For a script', command: '<%= config.bin %> chat unread --json' },
  ];
  static override readonly flags = chatFlags;

  override async run(): Promise<object> {
    const { flags } = await this.parse(ChatUnread);
    const rooms = await this.withChat(flags, (client) => client.unread());
    return this.show(document('grp.chat.unread/1', { rooms }), () =>
      roomsText(rooms, { colours: this.colours, width: tableWidth(process.stdout) }),
    );
  }
}
