// What the JSON schemas of all bodies are made of.

export const timeoutMs = { type: 'integer', minimum: 1, maximum: 120_000 } as const;
export const base64Pattern = '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$';

/** A body with these properties and nothing else. */
export function body(properties: Readonly<Record<string, object>>, required: readonly string[] = []) {
  return { body: { type: 'object', additionalProperties: false, properties, required } };
}
