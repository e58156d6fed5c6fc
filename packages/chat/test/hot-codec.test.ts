// What is encoded by hand is byte for byte what the generated code gives, and is read by it; and the other way round.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { ConverseRequestSchema, ConverseResponseSchema } from '../src/gen/grp/chat/v1/chat_pb.ts';
import { CommandSchema, OutcomeSchema } from '../src/gen/grp/chat/v1/log_pb.ts';
import { ByteRange, keyOf, textOf, utf8 } from '../src/fields.ts';
import {
  AskedSend,
  decodeAskedSend,
  decodeSend,
  decodeSent,
  encodeMessageResponse,
  encodeOutcomeFast,
  encodeSend,
  encodeSentResponse,
} from '../src/hot-codec.ts';
import type { MessageRecord } from '../src/message-record.ts';
import { outcomeRecord } from '../src/outcome-codec.ts';
import { hex, type Outcome } from '../src/model.ts';
import { messageOf } from '../src/server/unary.ts';

const texts = ['hello', 'Grüße, 世界 👋', '\uFEFFwith a mark', 'x'.repeat(4_096), 'lone \uD800 half'];
const requestId = Uint8Array.from({ length: 16 }, (_, at) => at * 17);
const tokenHash = new Uint8Array(32).fill(200);
const [idRange, tokenKey] = [new ByteRange(requestId), keyOf(new ByteRange(tokenHash))];

function generated(room: string, text: string, atMs: bigint): Uint8Array {
  const change = { case: 'send', value: { tokenHash, room, text } } as const;
  return toBinary(CommandSchema, create(CommandSchema, { requestId, atMs, change }));
}

describe.each(texts)('a message %#', (text) => {
  test('in the log', () => {
    for (const atMs of [1, 127, 128, 1_795_000_000_000, Number.MAX_SAFE_INTEGER]) {
      const bytes = encodeSend(new AskedSend(idRange, utf8('general'), utf8(text)), { atMs, tokenHash: tokenKey });
      expect(bytes).toEqual(generated('general', text, BigInt(atMs)));
      const { change } = fromBinary(CommandSchema, bytes);
      const value = change.case === 'send' ? change.value : undefined;
      const read = decodeSend(bytes);
      expect({ ...read, text: textOf(read?.text ?? utf8('')) }).toEqual({
        requestId: keyOf(idRange),
        atMs,
        tokenHash: tokenKey,
        room: 'general',
        text: value?.text,
      });
    }
  });

  test('as a client asks for it', () => {
    const request = { case: 'send', value: { requestId, room: 'general', text } } as const;
    const bytes = toBinary(ConverseRequestSchema, create(ConverseRequestSchema, { request }));
    const read = fromBinary(ConverseRequestSchema, bytes).request;
    const asked = decodeAskedSend(bytes);
    expect(asked?.requestId.view()).toEqual(requestId);
    expect(textOf(asked?.room ?? utf8(''))).toBe('general');
    expect(textOf(asked?.text ?? utf8(''))).toBe(read.case === 'send' ? read.value.text : undefined);
  });

  test.each([true, false])('as it is answered (deleted: %s)', (deleted) => {
    const id = keyOf(new ByteRange(new Uint8Array(16).fill(0xab)));
    const common = { atMs: 7, index: 300, sequence: 1, deleted };
    const record: MessageRecord = { id, from: utf8('ann'), text: utf8(text), ...common };
    const message = { id: hex(id), from: 'ann', text: textOf(record.text) ?? '', ...common };
    const travelling = messageOf({ room: '@bob', message });
    const response = { case: 'message', value: travelling } as const;
    expect(encodeMessageResponse(utf8('@bob'), record)).toEqual(
      toBinary(ConverseResponseSchema, create(ConverseResponseSchema, { response })),
    );
    const sent = { case: 'sent', value: { requestId, message: travelling } } as const;
    expect(encodeSentResponse(idRange, utf8('@bob'), record)).toEqual(
      toBinary(ConverseResponseSchema, create(ConverseResponseSchema, { response: sent })),
    );
  });
});

test('outcomes', () => {
  const outcomes: Outcome[] = [
    { ok: true, index: 300, sequence: 5, room: 'general', atMs: 1_795_000_000_000 },
    { ok: true, index: 1, atMs: 2 },
    { ok: true, index: 1, atMs: 2, room: 'general' },
    { ok: false, error: 'text-too-long' },
  ];
  for (const outcome of outcomes)
    expect(encodeOutcomeFast(outcome)).toEqual(toBinary(OutcomeSchema, outcomeRecord(outcome)));
  expect(decodeSent(encodeOutcomeFast(outcomes[0] as Outcome))).toEqual(outcomes[0]);
  for (const outcome of outcomes.slice(1)) expect(decodeSent(encodeOutcomeFast(outcome))).toBeUndefined();
});

test('bytes that are cut off, longer, or of another kind are left to the generated code', () => {
  const whole = generated('general', 'hello', 5n);
  for (let length = 0; length < whole.length; length++) expect(decodeSend(whole.subarray(0, length))).toBeUndefined();
  expect(decodeSend(new Uint8Array([...whole, 0]))).toBeUndefined();
  const join = { case: 'join', value: { tokenHash, room: 'general' } } as const;
  const other = toBinary(CommandSchema, create(CommandSchema, { requestId, atMs: 1n, change: join }));
  expect(decodeSend(other)).toBeUndefined();
  const torn = whole.with(whole.length - 1, 0xff); // no UTF-8
  expect(decodeSend(torn)).toBeUndefined();
  for (let byte = 0; byte < 256; byte++) expect(() => decodeSend(whole.with(1, byte))).not.toThrow();
});
