import { ChatCommand, chatFlags, messageFields } from '../../chat/command.ts';
import { messageText } from '../../chat/views.ts';
import { argument, toggle, whole } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Shows what was said in a room. */
export class ChatHistory extends ChatCommand {
  static override readonly summary = 'Show what was said in a room';
  static override readonly description = `Everything that was acknowledged before you asked is there: the server asks the leader first.
--local reads the copy of the server itself, which may lag behind, and also works without a majority; --node says whose.`;
  static override readonly examples = [
    { description: 'The last twenty messages', command: '<%= config.bin %> chat history general --limit 20' },
    {
      description: "The third server's own copy",
      command: '<%= config.bin %> chat history general --node n3 --local --json',
    },
  ];
  static override readonly args = { room: argument('general, or @bob') };
  static override readonly flags = {
    ...chatFlags,
    limit: whole('limit', 'only the last so many (all unless given)', 1, 1_000_000),
    from: whole('from', 'from this message of the room on', 1, Number.MAX_SAFE_INTEGER),
    local: toggle('local', "this server's own copy"),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ChatHistory);
    const { limit = 0, from = 0, local } = flags;
    const messages = await this.withChat(flags, (client) => client.history(args.room, { limit, from, local }));
    return this.show(
      document('grp.chat.history/1', { room: args.room, messages: messages.map((message) => messageFields(message)) }),
      () =>
        messages.length === 0
          ? 'Nothing yet.'
          : messages.map((message) => messageText(message, this.colours)).join('\n'),
    );
  }
}
