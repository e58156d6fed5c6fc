import { base64Pattern, body, timeoutMs } from './schemas.ts';

// JSON schemas of the bodies that `/v1/swim/…` takes. Nothing beyond what is named here is accepted.

const name = { type: 'string', minLength: 1, maxLength: 128 } as const;
const payload = { type: 'string', maxLength: 8_192 } as const;
const payloadBase64 = { ...payload, pattern: base64Pattern } as const;
const text = { type: 'string', maxLength: 512 } as const;
const texts = { type: 'object', maxProperties: 64, additionalProperties: text } as const;

/** A body with nothing in it. */
export const emptyBody = body({});

export const joinBody = body(
  { seeds: { type: 'array', minItems: 1, maxItems: 64, items: { ...text, minLength: 1 } }, timeoutMs },
  ['seeds'],
);

export const tagsBody = body({
  set: texts,
  delete: { type: 'array', maxItems: 64, items: text },
});

export const keysBody = body(
  { action: { enum: ['install', 'use', 'remove'] }, key: { type: 'string', minLength: 1, maxLength: 64 } },
  ['action', 'key'],
);

export const eventBody = body({ name, payload, payloadBase64, coalesce: { type: 'boolean' } }, ['name']);

export const queryBody = body(
  { name, payload, payloadBase64, names: { type: 'array', maxItems: 256, items: name }, tags: texts, timeoutMs },
  ['name'],
);
