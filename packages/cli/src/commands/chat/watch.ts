import { createInterface } from 'node:readline';
import { sanitizeText } from '@grp/core';
import { ChatCommand, chatFlags, messageFields } from '../../chat/command.ts';
import { messageText } from '../../chat/views.ts';
import { argument, toggle, whole } from '../../flags.ts';

/** Follows a room. */
export class ChatWatch extends ChatCommand {
  static override readonly summary = 'Follow a room, through any failover, until Ctrl-C';
  static override readonly description = `First what was said since --after (nothing before now unless given), then each new message as it comes: once and in order. With --talk, lines from stdin are sent to the room. Under --json one document per line.`;
  static override readonly examples = [
    { description: 'Listen and talk', command: '<%= config.bin %> chat watch general --talk' },
    {
      description: 'The next hundred messages, from the first on',
      command: '<%= config.bin %> chat watch general --after 0 --count 100 --json',
    },
  ];
  static override readonly args = { room: argument('general, or @bob') };
  static override readonly flags = {
    ...chatFlags,
    after: whole('after', 'begin after this message of the room', 0, Number.MAX_SAFE_INTEGER),
    count: whole('count', 'end after so many messages', 1, 1_000_000_000),
    talk: toggle('talk', 'send the lines of stdin'),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(ChatWatch);
    const interruption = this.armSignals();
    try {
      await this.withChat(flags, async (client) => {
        const { signal } = interruption;
        const after = flags.after ?? (await client.history(args.room, { limit: 1 })).at(-1)?.sequence ?? 0;
        const input = flags.talk ? createInterface({ input: process.stdin }) : undefined;
        input?.on('line', (line) => {
          if (line === '') return;
          client.send(args.room, line).catch((error: unknown) => this.say(sanitizeText((error as Error).message)));
        });
        let seen = 0;
        for await (const message of client.watch(args.room, { after, signal })) {
          if (this.jsonEnabled()) this.emit({ schema: 'grp.chat.message/1', ...messageFields(message) });
          else this.print(messageText(message, this.colours));
          if (++seen === flags.count) break;
        }
        input?.close();
      });
    } finally {
      interruption.disarm();
    }
  }
}
