import { ChatCommand, chatFlags } from '../../chat/command.ts';
import { roomsText } from '../../chat/views.ts';
import { document } from '../../output/json.ts';
import { tableWidth } from '../../output/table.ts';

/** List the open rooms and your conversations. */
export class ChatRooms extends ChatCommand {
  static override readonly summary = 'List the open rooms and your conversations';
  static override readonly description =
    'A room is there from its first message on; conversations are only seen by the two who have them. UNREAD counts what came after you last looked.';
  static override readonly examples = [
    { description: 'Rooms, with what you have not read', command: '<%= config.bin %> chat rooms' },
    { description: 'For a script', command: '<%= config.bin %> chat rooms --json' },
  ];
  static override readonly flags = chatFlags;

  override async run(): Promise<object> {
    const { flags } = await this.parse(ChatRooms);
    const rooms = await this.withChat(flags, (client) => client.rooms());
    return this.show(document('grp.chat.rooms/1', { rooms }), () =>
      roomsText(rooms, { colours: this.colours, width: tableWidth(process.stdout) }),
    );
  }
}
