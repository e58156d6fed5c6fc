import type { LabTrace } from './trace.ts';

/** An operation as Porcupine's Go type of this name reads it from JSON. Times in µs. */
export interface PorcupineOperation {
  readonly ClientId: number;
  readonly Input: { readonly op: string; readonly key: string; readonly value: unknown };
  readonly Call: number;
  /** Null: nobody knows whether it was done; a model must let it pass either way. */
  readonly Output: { readonly value: unknown } | null;
  readonly Return: number;
}

/**
 * The operations of the clients, for Porcupine (Athalye 2017). What surely did not happen is left out; what may have
 * happened returns after everything else, so that the checker may place it anywhere later, or at the very end.
 */
export function porcupineOperations({ operations, events }: LabTrace): readonly PorcupineOperation[] {
  const clients = new Map<string, number>();
  let lastAt = events.at(-1)?.at ?? 0;
  for (const operation of operations) lastAt = Math.max(lastAt, operation.return ?? operation.call);
  return operations
    .filter(({ type }) => type !== 'fail')
    .map((operation) => {
      const { process, f, key, value, call, out, type } = operation;
      const client = clients.get(process) ?? clients.size;
      clients.set(process, client);
      const isKnown = type === 'ok' && operation.return !== null;
      return {
        ClientId: client,
        Input: { op: f, key, value },
        Call: Math.round(call * 1_000),
        Output: isKnown ? { value: out } : null,
        Return: Math.round((isKnown ? operation.return : lastAt + 1) * 1_000),
      };
    });
}
