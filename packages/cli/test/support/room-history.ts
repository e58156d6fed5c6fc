import { setTimeout as sleep } from 'node:timers/promises';
import { GrpError } from '@grp/core';
import type { ChatClient } from '@grp/chat';

/** One thing that a client did in a room: times in ms on the machine's monotonic clock. */
export interface RoomOperation {
  readonly by: string;
  readonly f: 'send' | 'read';
  readonly call: number;
  readonly return: number;
  /** Of a send: the text. */
  readonly text?: string;
  /** `ok`: acknowledged, or read. Otherwise the error's code; a send with one may have been carried out all the same. */
  readonly outcome: string;
  /** Of a send: its place. Of a read: how many messages there were. */
  readonly sequence?: number;
  /** Of a read: the last messages, with their places. */
  readonly tail?: readonly (readonly [number, string])[];
}

const tailLength = 50;

/** Sends and reads in turn until `signal`; whatever is refused is noted and tried no more. */
export async function useRoom(
  client: ChatClient,
  { room, by, pauseMs, timeoutMs, signal }: UseOptions,
): Promise<readonly RoomOperation[]> {
  const operations: RoomOperation[] = [];
  for (let number = 1; !signal.aborted; number++) {
    const isRead = number % 4 === 0;
    const text = `${by} ${number}`;
    const call = now();
    const note = (outcome: string, found: Partial<RoomOperation> = {}): void => {
      const asked = isRead ? { f: 'read' as const } : { f: 'send' as const, text };
      operations.push({ by, call, return: now(), outcome, ...asked, ...found });
    };
    try {
      if (isRead) {
        const messages = await client.history(room, { limit: tailLength, timeoutMs });
        const tail = messages.map(({ sequence, text: said }) => [sequence, said] as const);
        note('ok', { sequence: messages.at(-1)?.sequence ?? 0, tail });
      } else note('ok', { sequence: (await client.send(room, text, { timeoutMs })).sequence });
    } catch (cause) {
      note(cause instanceof GrpError ? cause.code : String(cause));
    }
    await sleep(pauseMs);
  }
  return operations;
}

export interface UseOptions {
  readonly room: string;
  readonly by: string;
  readonly pauseMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The kernel's monotonic clock, which all processes share. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}

/**
 * What is wrong with what clients saw of a room, given all of it. A room only grows, so it is linearizable if each read is a
 * beginning of it that has all that was acknowledged, or read, before the read began, and nothing that was sent only after
 * the read had ended; and if places rise with time. Besides: nothing acknowledged is lost, and nothing is there twice.
 */
export function judgeRoom(
  final: readonly { readonly text: string; readonly sequence: number }[],
  operations: readonly RoomOperation[],
): readonly string[] {
  const problems: string[] = [];
  const places = new Map<string, number>();
  for (const [index, { text, sequence }] of final.entries()) {
    if (sequence !== index + 1) problems.push(`${text} has sequence ${sequence} at place ${index + 1}`);
    if (places.has(text)) problems.push(`${text} is there twice`);
    places.set(text, sequence);
  }
  const byCall = operations.toSorted((a, b) => a.call - b.call);
  const done = operations.filter(({ outcome }) => outcome === 'ok').toSorted((a, b) => a.return - b.return);
  let [known, next] = [0, 0];
  for (const operation of byCall) {
    // All that had ended before this one began.
    for (; next < done.length && (done[next] as RoomOperation).return < operation.call; next++)
      known = Math.max(known, (done[next] as RoomOperation).sequence ?? 0);
    const { f, by, text = '', outcome, sequence = 0, tail = [] } = operation;
    const place = f === 'send' ? places.get(text) : undefined;
    if (f === 'send' && place !== undefined && place <= known)
      problems.push(`${text} got place ${place}, and ${known} was known before it was sent`);
    if (outcome !== 'ok') continue;
    if (f === 'send' && place !== sequence) problems.push(`${text} was acknowledged as ${sequence}: ${place}`);
    if (f === 'read' && sequence < known) problems.push(`${by} read ${sequence} messages, and ${known} were known`);
    for (const [at, said] of tail) if (places.get(said) !== at) problems.push(`${by} read ${said} as ${at}`);
  }
  return [...problems, ...early(places, operations)];
}

/** Reads that have what was sent only after they had ended. */
function early(places: ReadonlyMap<string, number>, operations: readonly RoomOperation[]): readonly string[] {
  const sends = operations.filter(({ f, text = '' }) => f === 'send' && places.has(text));
  const latest = sends.toSorted((a, b) => a.call - b.call);
  // The lowest place among all that were sent from here on.
  const lowest: number[] = Array.from({ length: latest.length + 1 }, () => Infinity);
  for (let index = latest.length - 1; index >= 0; index--)
    lowest[index] = Math.min(lowest[index + 1] as number, places.get(latest[index]?.text ?? '') ?? Infinity);
  const problems: string[] = [];
  for (const { f, outcome, by, sequence = 0, return: end } of operations) {
    if (f !== 'read' || outcome !== 'ok') continue;
    const after = latest.findIndex(({ call }) => call > end);
    if (after >= 0 && (lowest[after] as number) <= sequence)
      problems.push(`${by} read ${sequence} messages, one of which was sent later`);
  }
  return problems;
}
