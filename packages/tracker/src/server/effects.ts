import type { Address, LogFields, LogLevel } from '@grp/core';
import type { WireError } from '../errors.ts';
import type { DecodedCommand } from '../wire/decode.ts';
import type { Command } from '../wire/messages.ts';

/** What comes into the tracker's machine. `connection` is a number of the edge's choice, never used twice. */
export type Input =
  | { readonly type: 'open'; readonly connection: number; readonly peer: Address }
  | { readonly type: 'line'; readonly connection: number; readonly decoded: DecodedCommand }
  /** The edge has closed it, or it broke. */
  | { readonly type: 'closed'; readonly connection: number }
  /** The edge gives up on it and wants to say why. */
  | {
      readonly type: 'evict';
      readonly connection: number;
      readonly why: 'line' | 'hello' | 'slow' | 'too-long' | 'flood';
    }
  /** All records up to this one survive a power cut. */
  | { readonly type: 'durable'; readonly record: number }
  /** A command of this process, as an administrator. */
  | { readonly type: 'local'; readonly ticket: number; readonly command: Command }
  /** Says goodbye to everyone. Sessions stay, for the next start. */
  | { readonly type: 'stop' };

/** What the machine wants done, in order. */
export type Effect =
  /** One line, without its newline. A droppable one is left out while the connection is behind with reading. */
  | { readonly type: 'send'; readonly connection: number; readonly line: string; readonly isDroppable?: true }
  /** After what was sent has left. */
  | { readonly type: 'close'; readonly connection: number }
  | { readonly type: 'registered'; readonly connection: number }
  /** Writes a value under a key, or removes it. The numbers rise by one. */
  | { readonly type: 'persist'; readonly record: number; readonly key: string; readonly value: unknown }
  | { readonly type: 'settled'; readonly ticket: number; readonly answer: Readonly<Record<string, unknown>> }
  | { readonly type: 'refused'; readonly ticket: number; readonly error: WireError; readonly cause: Error }
  | { readonly type: 'log'; readonly level: LogLevel; readonly event: string; readonly fields: LogFields };
