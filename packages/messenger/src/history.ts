import type { NodeId } from '@grp/core';
import { checkName, type GroupOrder } from '@grp/tracker';
import type { ChatMessage } from './api.ts';
import { Reader, Writer } from './bytes.ts';
import { safeText, safeWallMs } from './payload.ts';

/** The last messages of one group, in the group's order. */
export class History {
  readonly #max: number;
  #messages: ChatMessage[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  has(message: ChatMessage): boolean {
    return this.#messages.some(({ fromId, sequence }) => sequence === message.sequence && fromId === message.fromId);
  }

  /** One that is not there yet. */
  add(message: ChatMessage): void {
    if (this.#max === 0) return;
    this.#messages.push(message);
    // In bulk, because taking the first one off an array costs as much as taking many.
    if (this.#messages.length >= 2 * this.#max) this.#messages.splice(0, this.#messages.length - this.#max);
  }

  /** The last ones that were delivered before a view. */
  before(view: number, count: number): readonly ChatMessage[] {
    const wanted = Math.min(count, this.#max);
    return wanted === 0 ? [] : this.#messages.filter((message) => message.view < view).slice(-wanted);
  }
}

export interface HistoryAsk {
  /** Messages delivered before this view are wanted. */
  readonly view: number;
  readonly count: number;
}

export function encodeHistoryAsk({ view, count }: HistoryAsk): Uint8Array {
  return new Writer().f64(view).u32(count).bytes();
}

export function decodeHistoryAsk(body: Uint8Array): HistoryAsk | undefined {
  const reader = new Reader(body);
  const [view, count] = [reader.count(), reader.u32()];
  return reader.isBroken ? undefined : { view, count };
}

export function encodeHistory(view: number, messages: readonly ChatMessage[]): Uint8Array {
  const writer = new Writer().f64(view).u32(messages.length);
  for (const { fromId, from, sequence, view: at, wallMs, text } of messages)
    writer.text(fromId).text(from).f64(sequence).f64(at).f64(wallMs).text(text);
  return writer.bytes();
}

export interface HistoryOptions {
  readonly group: string;
  readonly order: GroupOrder;
  readonly self: NodeId;
  /** At most so many; more is no answer to what was asked. */
  readonly countMax: number;
  readonly textBytesMax: number;
}

/** Undefined for anything else. All of it has been made safe to print. */
export function decodeHistory(
  body: Uint8Array,
  { group, order, self, countMax, textBytesMax }: HistoryOptions,
): { readonly view: number; readonly messages: readonly ChatMessage[] } | undefined {
  const reader = new Reader(body);
  const [view, count] = [reader.count(), reader.u32()];
  if (reader.isBroken || count > countMax) return undefined;
  const messages: ChatMessage[] = [];
  for (let index = 0; index < count; index++) {
    const fromId = reader.text() as NodeId;
    const name = checkName(reader.text());
    const [sequence, at] = [reader.count(), reader.count()];
    const wallMs = safeWallMs(reader.f64());
    const text = safeText(reader.text(), textBytesMax);
    // A name that the tracker would not give is a trick.
    if (reader.isBroken || typeof name === 'string' || fromId.length > 64) return undefined;
    const isOwn = fromId === self;
    const place = { sequence, order, view: at, wallMs, isOwn, isReplay: true };
    messages.push({ type: 'message', group, from: name.name, fromId, text, ...place });
  }
  return reader.isDone ? { view, messages } : undefined;
}
