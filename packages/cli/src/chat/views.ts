import type { ChatMessage, ChatRoom } from '@grp/chat';
import { sanitizeText } from '@grp/core';
import type { Colours } from '../output/colours.ts';
import { table, type TableOptions } from '../output/table.ts';

/** One line: when, who, what. Texts are made safe to print. */
export function messageText({ from, text, at, deleted, sequence }: ChatMessage, colours: Colours): string {
  const time = new Date(at).toISOString().slice(0, 16).replace('T', ' ');
  const content = deleted ? colours.dim('(deleted)') : sanitizeText(text, { lengthMax: 4_096 });
  return `${colours.dim(`${time} ${String(sequence).padStart(4)}`)}  ${colours.bold(sanitizeText(from))}: ${content}`;
}

export function roomsText(rooms: readonly ChatRoom[], options: TableOptions): string {
  if (rooms.length === 0) return 'None.';
  return table(
    rooms,
    [
      { title: 'ROOM', text: ({ name }) => name },
      { title: 'MESSAGES', text: ({ lastSequence }) => String(lastSequence), align: 'right' },
      { title: 'UNREAD', text: ({ unread }) => String(unread), align: 'right' },
      { title: 'MEMBERS', text: ({ members }) => String(members), align: 'right' },
      { title: 'JOINED', text: ({ joined }) => (joined ? 'yes' : '') },
    ],
    options,
  );
}
