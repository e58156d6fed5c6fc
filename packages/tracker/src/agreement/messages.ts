import { utf8 } from '../encoding.ts';
import { isWrong, listOf, nested, optional, pair, readShape, whole, type Shape, type ValueOf } from '../wire/fields.ts';
import { decodeLine } from '../wire/lines.ts';
import { idField, nameField, signatureField } from '../wire/messages.ts';

const removedField = listOf(idField, 256);

const successionShape = {
  group: nameField,
  base: whole(),
  number: whole(),
  removed: removedField,
  round: whole(),
  signatures: listOf(pair(idField, signatureField), 1_024),
};

const shapes = {
  prepare: { base: whole(), round: whole() },
  promise: { base: whole(), round: whole(), accepted: optional(nested({ round: whole(), removed: removedField })) },
  accept: { base: whole(), round: whole(), removed: removedField },
  accepted: { base: whole(), round: whole(), signature: signatureField },
  /** A greater round was promised: the sender may as well start from there. */
  refuse: { base: whole(), round: whole(), promised: whole() },
  decided: { base: whole(), succession: nested(successionShape) },
  learned: { base: whole() },
} as const;

type Kind = keyof typeof shapes;

/** What members say to each other to agree on a view without the tracker. */
export type AgreementMessage = { [K in Kind]: { readonly type: K } & ValueOf<(typeof shapes)[K]> }[Kind];

/** One message as bytes, for any transport that tells who sent it. */
export function encodeAgreement(message: AgreementMessage): Uint8Array {
  return utf8(JSON.stringify({ v: 1, ...message }));
}

/** Undefined for anything else. Never throws. */
export function decodeAgreement(bytes: Uint8Array): AgreementMessage | undefined {
  const object = bytes.length > 262_144 ? undefined : decodeLine(bytes);
  const type = object?.['type'];
  if (object?.['v'] !== 1 || typeof type !== 'string' || !Object.hasOwn(shapes, type)) return undefined;
  const body = readShape(shapes[type as Kind] as Shape, object);
  return isWrong(body) ? undefined : ({ type, ...body } as AgreementMessage);
}
