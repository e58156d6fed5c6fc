import { Args } from '@oclif/core';
import { ChatCommand, chatFlags, messageFields } from '../../chat/command.ts';
import { cliError } from '../../errors.ts';
import { argument } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Sends a message. */
export class ChatSend extends ChatCommand {
  static override readonly summary = 'Send a message to a room, or to @somebody';
  static override readonly description = `Ends when a majority of the servers has the message on disk. With - as text each line of stdin is a message, sent in order.
A message that had to be tried again is in the room once. Exit code 7 when the servers found no majority in --timeout (10s), 5 when none of them answered.`;
  static override readonly examples = [
    {
      description: 'To a room, which is made when it is new',
      command: "<%= config.bin %> chat send general 'hello everybody'",
    },
    {
      description: 'Each line of a file, to one person',
      command: '<%= config.bin %> chat send @bob - --json < lines.txt',
    },
  ];
  static override readonly args = {
    room: argument('general, or @bob'),
    text: Args.string({
      description: 'up to 4,096 bytes; - reads lines from stdin',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override readonly flags = chatFlags;

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ChatSend);
    const messages = await this.withChat(flags, async (client) => {
      const sent = [];
      for await (const text of textsOf(args.text)) sent.push(await client.send(args.room, text));
      return sent;
    });
    const last = messages.at(-1);
    if (last === undefined) throw cliError('CLI_USAGE', { context: { what: 'There was nothing on stdin.' } });
    return this.show(document('grp.chat.send/1', { ...messageFields(last), count: messages.length }), () =>
      messages.length === 1
        ? `Sent as message ${last.sequence}.`
        : `${messages.length} sent, the last as message ${last.sequence}.`,
    );
  }
}

async function* textsOf(text: string): AsyncGenerator<string> {
  if (text !== '-') {
    yield text;
    return;
  }
  const { createInterface } = await import('node:readline');
  for await (const line of createInterface({ input: process.stdin })) if (line !== '') yield line;
}
