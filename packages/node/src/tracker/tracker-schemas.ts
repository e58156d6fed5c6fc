import { body } from '../http/schemas.ts';

// JSON schemas of what `/v1/tracker/…` takes. The tracker checks names and values itself, and says what is wrong.

const name = { type: 'string', minLength: 1, maxLength: 256 } as const;
const reason = { type: 'string', maxLength: 256 } as const;
const patterns = { type: 'array', maxItems: 64, items: name } as const;

export const groupQuery = {
  querystring: { type: 'object', additionalProperties: false, properties: { group: name }, required: ['group'] },
} as const;

export const policyBody = body(
  {
    group: name,
    access: { type: 'string', enum: ['open', 'key', 'invite', 'allow'] },
    key: { type: 'string', minLength: 1, maxLength: 128 },
    allow: patterns,
    deny: patterns,
    limit: { type: 'integer', minimum: 1, maximum: 1_000_000 },
    moderated: { type: 'boolean' },
    secret: { type: 'boolean' },
  },
  ['group'],
);

export const removeBody = body({ group: name, nick: name, reason }, ['group', 'nick']);
export const memberBody = body({ group: name, nick: name }, ['group', 'nick']);
export const motdBody = body({ text: { type: 'string', maxLength: 1_000 } }, ['text']);
