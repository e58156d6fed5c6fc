/** A document of the HTTP API: `grp.<noun>.<what>/<version>` and its content. */
export type Document<Body extends object> = { readonly schema: string } & Body;

/** Puts the schema, `grp.<name>/1`, in front of a body. */
export function asDocument<Body extends object>(name: string, body: Body): Document<Body> {
  return { schema: `grp.${name}/1`, ...body };
}

/** ISO 8601 of wall-clock ms; null when there is none or it is out of the calendar. */
export function isoTime(wallMs: number | undefined): string | null {
  if (wallMs === undefined || !(Math.abs(wallMs) <= 8.64e15)) return null;
  return new Date(wallMs).toISOString();
}

/** Bytes as `payload` when they are UTF-8 text, else as `payloadBase64`. */
export function payloadFields(payload: Uint8Array): { readonly payload: string } | { readonly payloadBase64: string } {
  try {
    // A byte order mark is kept: the text must give the same bytes again.
    return { payload: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload) };
  } catch {
    return { payloadBase64: Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('base64') };
  }
}

/** The bytes that a body gives as text or as base64; empty without either. */
export function payloadBytes(body: {
  readonly payload?: string | undefined;
  readonly payloadBase64?: string | undefined;
}): Uint8Array {
  if (body.payloadBase64 !== undefined) return new Uint8Array(Buffer.from(body.payloadBase64, 'base64'));
  return new TextEncoder().encode(body.payload ?? '');
}
