import type { Key, Marks, Message, RoundBody, SenderCut, SenderState } from '../messages.ts';
import { ByteWriter } from './bytes.ts';
import { kinds, wireVersion } from './kinds.ts';

/** One message, ready for the links. */
export function encodeMessage(message: Message): Uint8Array {
  const writer = new ByteWriter(sizeHint(message));
  writer.byte(wireVersion);
  writer.byte(kinds[message.type]);
  writer.number(message.view);
  writeBody(writer, message);
  return writer.finish();
}

function sizeHint(message: Message): number {
  if (message.type === 'data') return roundSize(message);
  if (message.type === 'refill') return message.rounds.reduce((sum, round) => sum + roundSize(round), 64);
  return 64;
}

function roundSize({ payloads, vector }: RoundBody): number {
  let size = 64 + 8 * vector.length;
  for (const payload of payloads) size += payload.length + 5;
  return size;
}

function writeBody(writer: ByteWriter, message: Message): void {
  switch (message.type) {
    case 'data':
      writer.number(message.stable);
      writeRound(writer, message);
      return;
    case 'propose':
      writeMarks(writer, message);
      writer.number(message.round);
      writer.number(message.counters.length);
      for (const counter of message.counters) writer.number(counter);
      return;
    case 'final':
      writer.number(message.stable);
      writer.number(message.round);
      writeKeys(writer, message.keys);
      return;
    case 'ack':
      writeMarks(writer, message);
      writer.number(message.ask);
      return;
    case 'stable':
      writer.number(message.stable);
      return;
    case 'state':
      for (const value of [message.base, message.stored, message.position, message.storedPosition])
        writer.number(value);
      writer.number(message.clock);
      writer.number(message.senders.length);
      for (const sender of message.senders) writeSenderState(writer, sender);
      return;
    case 'prepare':
      for (const value of [message.base, message.position, message.clock, message.senders.length]) writer.number(value);
      for (const sender of message.senders) writeSenderCut(writer, sender);
      return;
    case 'fetch':
      for (const value of [message.base, message.sender, message.from, message.to]) writer.number(value);
      return;
    case 'refill':
      for (const value of [message.base, message.sender, message.rounds.length]) writer.number(value);
      for (const round of message.rounds) writeRound(writer, round);
      return;
    case 'ready':
    case 'install':
      writer.number(message.position);
      return;
    case 'request':
  }
}

function writeRound(writer: ByteWriter, { round, firstSequence, counter, vector, payloads }: RoundBody): void {
  writer.number(round);
  writer.number(firstSequence);
  writer.number(counter);
  writer.number(vector.length);
  for (const mark of vector) writer.number(mark);
  writer.number(payloads.length);
  for (const payload of payloads) writer.bytes(payload);
}

function writeMarks(writer: ByteWriter, { have, decided, delivered, floor }: Marks): void {
  writer.number(have);
  writer.number(decided);
  writer.number(delivered);
  writer.number(floor);
}

function writeKey(writer: ByteWriter, { counter, proposer }: Key): void {
  writer.number(counter);
  writer.number(proposer);
}

function writeKeys(writer: ByteWriter, keys: readonly Key[]): void {
  writer.number(keys.length);
  for (const key of keys) writeKey(writer, key);
}

function writeSenderState(writer: ByteWriter, { floor, floorKey, have, proposed, decided, keys }: SenderState): void {
  writer.number(floor);
  writeKey(writer, floorKey);
  writer.number(have);
  writer.number(proposed);
  writer.number(decided);
  writeKeys(writer, keys);
}

function writeSenderCut(writer: ByteWriter, { count, donor, firstKey, keys }: SenderCut): void {
  writer.number(count);
  writer.number(donor);
  writer.number(firstKey);
  writeKeys(writer, keys);
}
