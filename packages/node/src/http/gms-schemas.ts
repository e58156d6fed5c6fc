import { base64Pattern, body, timeoutMs } from './schemas.ts';

// JSON schemas of what `/v1/gms/…` takes.

const payload = { type: 'string', maxLength: 2_097_152 } as const;

/** Room for the longest payload, 1 MiB, as base64 or with every character escaped, and what is around it. */
export const multicastBodyBytesMax = 8 * 1_048_576;

export const multicastBody = body({
  payload,
  payloadBase64: { ...payload, pattern: base64Pattern },
  count: { type: 'integer', minimum: 1, maximum: 1_000_000 },
  timeoutMs: { ...timeoutMs, maximum: 3_600_000 },
});

export const killBody = body({ afterSends: { type: 'integer', minimum: 0, maximum: 1_000_000 } });

/** It takes nothing: a mistyped wish is told. */
export const tailQuery = { querystring: { type: 'object', additionalProperties: false, properties: {} } };
