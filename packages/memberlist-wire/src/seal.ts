import { invariant, type Keyring } from '@grp/core';
import { wireError } from './errors.ts';
import { malformed, type Malformed } from './malformed.ts';
import { messageTypes, type Wrapping } from './messages.ts';
import { encodeText } from './msgpack/text.ts';

/** The version in front of what we seal: no padding (version 0 pads to whole blocks). */
export const sealVersion = 1;
const paddedVersion = 0;
const blockBytes = 16;

/** Version byte, 12-byte nonce, 16-byte tag. */
export const sealOverheadBytes = 29;
/** Type byte and length byte, before the label itself. */
export const labelHeaderBytes = 2;

const noLabel = new Uint8Array(0);

/** @throws GrpError WIRE_LABEL_SIZE */
export function labelBytes({ label }: Wrapping): Uint8Array {
  if (label === undefined || label === '') return noLabel;
  const bytes = encodeText(label);
  if (bytes.length > 255) throw wireError('WIRE_LABEL_SIZE', { context: { size: bytes.length } });
  return bytes;
}

/** Puts the label in front of a body that starts at `labelHeaderBytes + label.length`. */
export function writeLabel(target: Uint8Array, label: Uint8Array): void {
  if (label.length === 0) return;
  target[0] = messageTypes.label;
  target[1] = label.length;
  target.set(label, labelHeaderBytes);
}

/** How many bytes a label takes in front. */
export function labelOverheadBytes(label: Uint8Array): number {
  return label.length === 0 ? 0 : labelHeaderBytes + label.length;
}

/**
 * The size of the label header in front, 0 when there is none and none is expected; undefined while too few bytes are
 * there to tell; refused when it names another cluster, or any where none is expected.
 */
export function matchLabel(bytes: Uint8Array, end: number, label: Uint8Array): number | Malformed | undefined {
  if (end === 0) return undefined;
  if (label.length === 0) return bytes[0] === messageTypes.label ? malformed('label') : 0;
  if (bytes[0] !== messageTypes.label) return malformed('label');
  if (end >= 2 && bytes[1] !== label.length) return malformed('label');
  const there = Math.min(end - labelHeaderBytes, label.length);
  for (let index = 0; index < there; index++) {
    if (bytes[labelHeaderBytes + index] !== label[index]) return malformed('label');
  }
  return there === label.length ? labelHeaderBytes + label.length : undefined;
}

/** Writes version, nonce, ciphertext and tag at `offset`. */
export function sealInto(
  target: Uint8Array,
  offset: number,
  sealing: { readonly keyring: Keyring; readonly plaintext: Uint8Array; readonly additional: Uint8Array },
): void {
  const sealed = sealing.keyring.seal(sealing.plaintext, sealing.additional);
  invariant(
    sealed.length === sealing.plaintext.length + sealOverheadBytes - 1,
    'the seal has the size AES-GCM gives it',
  );
  target[offset] = sealVersion;
  target.set(sealed, offset + 1);
}

/** Opens version, nonce, ciphertext and tag with any key held. */
export function openSealed(sealed: Uint8Array, keyring: Keyring, additional: Uint8Array): Uint8Array | Malformed {
  const version = sealed[0];
  if (version !== sealVersion && version !== paddedVersion) return malformed('decrypt');
  const plaintext = keyring.open(sealed.subarray(1), additional);
  if (plaintext === undefined) return malformed('decrypt');
  return version === paddedVersion ? withoutPadding(plaintext) : plaintext;
}

// PKCS #7: the last byte says how many equal bytes were added, one at least.
function withoutPadding(plaintext: Uint8Array): Uint8Array | Malformed {
  const count = plaintext.at(-1) ?? 0;
  if (count === 0 || count > blockBytes || count > plaintext.length) return malformed('decrypt');
  const end = plaintext.length - count;
  return plaintext.subarray(end).every((byte) => byte === count) ? plaintext.subarray(0, end) : malformed('decrypt');
}
