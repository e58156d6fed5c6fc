// What comes from a node comes from its peers too, and anything may stand in it: every reader is total.

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

export function record(value: unknown): Json {
  return isRecord(value) ? value : {};
}

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a list; what is no object is left out. */
export function records(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

const textMax = 2_000;

/** Text, cut to a length that a screen bears. */
export function text(value: unknown, fallback = ''): string {
  return typeof value === 'string' ? value.slice(0, textMax) : fallback;
}

export function texts(value: unknown): readonly string[] {
  return Array.isArray(value)
    ? value.filter((one): one is string => typeof one === 'string').map((one) => text(one))
    : [];
}

export function number(value: unknown, fallback = 0): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback;
}

/** `#rrggbb` and nothing else: it becomes part of a style. */
export function colour(value: unknown): string | undefined {
  return typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value) ? value : undefined;
}
