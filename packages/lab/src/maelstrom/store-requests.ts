import type { Json, MaelstromBody } from './protocol.ts';
import type { StoreCommand, TransactionStep } from './store.ts';

/** What a client may ask of the store. */
export type StoreRequest = StoreCommand | { readonly type: 'read'; readonly key: Json };

const stepsMax = 1_024;

/** Undefined: it is no request to the store. */
export function commandOf(
  body: MaelstromBody,
): StoreRequest | { readonly type: 'malformed'; readonly problem: string } | undefined {
  const { type, key, value, from, to, txn } = body as unknown as MaelstromBody & Readonly<Record<string, Json>>;
  if (type === 'txn') {
    const isWhole = Array.isArray(txn) && txn.length <= stepsMax && txn.every(isStep);
    return isWhole ? { type, txn } : { type: 'malformed', problem: 'txn is no list of reads and appends' };
  }
  if (type !== 'read' && type !== 'write' && type !== 'cas') return undefined;
  if (key === undefined) return { type: 'malformed', problem: 'there is no key' };
  if (type === 'read') return { type, key };
  if (type === 'write')
    return value === undefined ? { type: 'malformed', problem: 'there is no value' } : { type, key, value };
  if (from === undefined || to === undefined) return { type: 'malformed', problem: 'from or to is missing' };
  return { type, key, from, to };
}

/** It changes nothing, and needs no place in the log. */
export function isReadOnly(
  request: StoreRequest,
): request is Extract<StoreRequest, { type: 'read' }> | Extract<StoreRequest, { type: 'txn' }> {
  if (request.type === 'txn') return request.txn.every(([f]) => f === 'r');
  return request.type === 'read';
}

function isStep(step: unknown): step is TransactionStep {
  return Array.isArray(step) && step.length === 3 && (step[0] === 'r' || step[0] === 'append');
}
