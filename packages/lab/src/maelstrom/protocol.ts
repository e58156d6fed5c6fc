/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The payload of a message; what else it has follows from its type. */
export interface MaelstromBody {
  readonly type: string;
  readonly msg_id?: number;
  readonly in_reply_to?: number;
  readonly [field: string]: unknown;
}

/** One message of Maelstrom's network: a line of JSON on stdin or stdout. */
export interface MaelstromMessage {
  readonly src: string;
  readonly dest: string;
  readonly body: MaelstromBody;
}

/**
 * Maelstrom's own error codes (its doc/protocol.md, "Errors"). A definite one says that nothing was done, and must not be
 * used when that is not sure.
 */
export const maelstromErrors = {
  /** Indefinite: done, not done, or done later. */
  timeout: 0,
  notSupported: 10,
  temporarilyUnavailable: 11,
  malformedRequest: 12,
  keyDoesNotExist: 20,
  preconditionFailed: 22,
} as const;

/** Undefined: the line is no message. Never throws. */
export function parseMessage(line: string): MaelstromMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { src, dest, body } = value;
  if (typeof src !== 'string' || typeof dest !== 'string' || !isObject(body)) return undefined;
  const { type, msg_id: id, in_reply_to: reply } = body;
  const isWhole = (number: unknown): boolean => number === undefined || Number.isSafeInteger(number);
  if (typeof type !== 'string' || !isWhole(id) || !isWhole(reply)) return undefined;
  return { src, dest, body: body as MaelstromBody };
}

/** Texts and nothing else. */
export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Equal for equal values, whatever the order of their fields: what keys and elements are known by. */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'null';
  const fields = Object.keys(value).toSorted();
  return `{${fields.map((name) => `${JSON.stringify(name)}:${canonicalText(value[name])}`).join(',')}}`;
}
