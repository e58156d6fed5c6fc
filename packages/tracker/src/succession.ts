import type { NodeId } from '@grp/core';
import { fromBase64, statement, toBase64 } from './encoding.ts';
import type { Signer, TrackerCrypto } from './ports.ts';

/**
 * The tracker numbers its views in steps of this; the numbers between are for views that members agree on while it is
 * away. So no two different views ever have the same number, whoever made them.
 */
export const viewStride = 1_000;

const domain = 'grp-tracker-succession-1';

/** A view without some members, agreed on without the tracker. */
export interface SuccessionStatement {
  readonly group: string;
  /** The view it follows. */
  readonly base: number;
  /** `base + 1`. */
  readonly number: number;
  /** Who is gone, in the order of the view. Not empty. */
  readonly removed: readonly NodeId[];
  /** The round of the agreement in which it was accepted: see `SuccessionMachine`. */
  readonly round: number;
}

/** A statement with the signatures of a majority of the view that it follows. */
export interface Succession extends SuccessionStatement {
  /** Base64url, 64 bytes each. */
  readonly signatures: readonly (readonly [member: NodeId, signature: string])[];
}

/** A view by its number and the keys of its members. */
export interface SuccessionView {
  readonly number: number;
  readonly members: readonly { readonly id: NodeId; readonly key: string }[];
}

export function signSuccession(said: SuccessionStatement, signer: Signer): string {
  return toBase64(signer.sign(successionBytes(said)));
}

/** One member's signature. Never throws. */
export function verifySuccessionSignature(
  said: SuccessionStatement,
  signature: string,
  key: string,
  crypto: TrackerCrypto,
): boolean {
  const [publicKey, bytes] = [fromBase64(key), fromBase64(signature)];
  if (publicKey === undefined || bytes === undefined) return false;
  return crypto.verify(publicKey, successionBytes(said), bytes);
}

/** More than half. */
export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** Why a succession does not count. */
export type SuccessionProblem = 'base' | 'number' | 'removed' | 'majority' | 'signature';

/**
 * Checks a succession against the view that it follows: the next number below the tracker's next, members of that view
 * removed and nobody else, and good signatures of more than half of that view. Whoever is removed may sign, too: it was
 * thought gone and is not. The first `majority` signatures are looked at and no more, so that a check costs a bounded
 * time. Never throws.
 */
export function checkSuccession(
  succession: Succession,
  view: SuccessionView,
  crypto: TrackerCrypto,
): { readonly problem: SuccessionProblem } | 'valid' {
  const { base, number, removed, signatures } = succession;
  if (base !== view.number) return { problem: 'base' };
  if (number !== base + 1 || number % viewStride === 0) return { problem: 'number' };
  const gone = new Set(removed);
  const inOrder = view.members.filter(({ id }) => gone.has(id)).map(({ id }) => id);
  if (removed.length === 0 || inOrder.join() !== removed.join()) return { problem: 'removed' };
  const keys = new Map(view.members.map(({ id, key }) => [id, key]));
  const majority = majorityOf(view.members.length);
  const signers = new Set(signatures.map(([id]) => id));
  if (signers.size !== signatures.length || signers.size < majority) return { problem: 'majority' };
  for (const [id, signature] of signatures.slice(0, majority)) {
    const key = keys.get(id);
    if (key === undefined || !verifySuccessionSignature(succession, signature, key, crypto)) {
      return { problem: 'signature' };
    }
  }
  return 'valid';
}

function successionBytes({ group, base, number, removed, round }: SuccessionStatement): Uint8Array {
  return statement(domain, [group, String(base), String(number), String(round), ...removed]);
}
