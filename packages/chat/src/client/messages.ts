import type { Message, Room } from '../gen/grp/chat/v1/chat_pb.ts';

/** A message, with numbers a program can count with. */
export interface ChatMessage {
  readonly id: string;
  readonly room: string;
  readonly from: string;
  readonly text: string;
  /** Unix ms. */
  readonly at: number;
  readonly index: number;
  readonly sequence: number;
  readonly deleted: boolean;
}

/** A room as the list of rooms shows it. */
export interface ChatRoom {
  readonly name: string;
  readonly lastSequence: number;
  readonly members: number;
  readonly joined: boolean;
  readonly unread: number;
}

export function messageOf({ id, room, from, text, atMs, index, sequence, deleted }: Message): ChatMessage {
  return { id, room, from, text, at: Number(atMs), index: Number(index), sequence: Number(sequence), deleted };
}

export function roomOf({ name, lastSequence, members, joined, unread }: Room): ChatRoom {
  return { name, lastSequence: Number(lastSequence), members, joined, unread: Number(unread) };
}
