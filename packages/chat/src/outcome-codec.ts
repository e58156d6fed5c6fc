import { create, fromBinary } from '@bufbuild/protobuf';
import { OutcomeSchema, type Outcome as OutcomeRecord } from './gen/grp/chat/v1/log_pb.ts';
import { decodeSent, encodeOutcomeFast } from './hot-codec.ts';
import type { Outcome, OutcomeError } from './model.ts';

/** An outcome as it is kept and sent. */
export function outcomeRecord(outcome: Outcome): OutcomeRecord {
  if (!outcome.ok) return create(OutcomeSchema, { error: outcome.error });
  const { index, atMs, sequence = 0, room = '' } = outcome;
  return create(OutcomeSchema, { index: BigInt(index), atMs: BigInt(atMs), sequence: BigInt(sequence), room });
}

export function outcomeOf({ error, index, atMs, sequence, room }: OutcomeRecord): Outcome {
  if (error !== '') return { ok: false, error: error as OutcomeError };
  const message = sequence === 0n ? {} : { sequence: Number(sequence) };
  return { ok: true, index: Number(index), atMs: Number(atMs), ...message, ...(room === '' ? {} : { room }) };
}

export function encodeOutcome(outcome: Outcome): Uint8Array {
  return encodeOutcomeFast(outcome);
}

/** Reads what `encodeOutcome` wrote, on this very cluster: anything else is a bug and throws. */
export function decodeOutcome(bytes: Uint8Array): Outcome {
  return decodeSent(bytes) ?? outcomeOf(fromBinary(OutcomeSchema, bytes));
}
