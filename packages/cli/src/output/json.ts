// Harmless in JSON, not in a terminal that shows it: DEL, C1 controls, bidirectional and zero-width characters.
// eslint-disable-next-line no-control-regex
const invisible = /[\u007F-\u009F\u00AD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/g;

/** One line of JSON. What a terminal could obey is escaped, so nothing of the value is lost. */
export function jsonText(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replaceAll(
    invisible,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A document with its schema in front. */
export function document<Body extends object>(
  schema: `grp.${string}.${string}/${number}`,
  body: Body,
): { readonly schema: string } & Body {
  return { schema, ...body };
}
