import type { Address } from '@grp/core';
import { parseWireAddress } from './address.ts';
import { messageTypes, type Endpoint, type Message } from './messages.ts';
import { encodeKey } from './msgpack/reader.ts';
import { sharedWriter, type Writer } from './msgpack/writer.ts';

const u32Max = 0xffff_ffff;

const key = {
  address: encodeKey('Addr'),
  from: encodeKey('From'),
  incarnation: encodeKey('Incarnation'),
  meta: encodeKey('Meta'),
  nack: encodeKey('Nack'),
  node: encodeKey('Node'),
  payload: encodeKey('Payload'),
  port: encodeKey('Port'),
  sequence: encodeKey('SeqNo'),
  sourceAddress: encodeKey('SourceAddr'),
  sourceName: encodeKey('SourceNode'),
  sourcePort: encodeKey('SourcePort'),
  target: encodeKey('Target'),
  versions: encodeKey('Vsn'),
};

/**
 * One message as a part for `sealDatagram`: its type byte, then a map with its keys in alphabetical order, as memberlist
 * writes it. The result is the caller's.
 * @throws GrpError WIRE_ADDRESS, WIRE_NUMBER
 */
export function encodeMessage(message: Message): Uint8Array {
  if (message.type === 'user') return encodeUser(message.body);
  const writer = sharedWriter();
  writeMessage(writer, message);
  return writer.finish();
}

function encodeUser(body: Uint8Array): Uint8Array {
  const part = new Uint8Array(1 + body.length);
  part[0] = messageTypes.user;
  part.set(body, 1);
  return part;
}

/** Writes anything but a user message, whose form differs between datagrams and streams. */
export function writeMessage(writer: Writer, message: Exclude<Message, { type: 'user' }>): void {
  switch (message.type) {
    case 'ping':
      return writePing(writer, message);
    case 'indirect-ping':
      return writeIndirectPing(writer, message);
    case 'ack':
      head(writer, messageTypes.ack, 2);
      writer.key(key.payload);
      writer.raw(message.payload);
      return number(writer, key.sequence, message.sequence);
    case 'nack':
      head(writer, messageTypes.nack, 1);
      return number(writer, key.sequence, message.sequence);
    case 'alive':
      return writeAlive(writer, message);
    case 'suspect':
    case 'dead':
      head(writer, message.type === 'dead' ? messageTypes.dead : messageTypes.suspect, 3);
      text(writer, key.from, message.from);
      number(writer, key.incarnation, message.incarnation);
      return text(writer, key.node, message.node);
  }
}

function writePing(writer: Writer, message: Extract<Message, { type: 'ping' }>): void {
  const { source } = message;
  head(writer, messageTypes.ping, source === undefined ? 2 : 5);
  text(writer, key.node, message.node);
  number(writer, key.sequence, message.sequence);
  if (source !== undefined) writeSource(writer, source);
}

function writeIndirectPing(writer: Writer, message: Extract<Message, { type: 'indirect-ping' }>): void {
  const { source } = message;
  const target = parseWireAddress(message.target);
  head(writer, messageTypes.indirectPing, source === undefined ? 5 : 8);
  writer.key(key.nack);
  writer.bool(message.nack);
  text(writer, key.node, message.node);
  number(writer, key.port, target.port);
  number(writer, key.sequence, message.sequence);
  if (source !== undefined) writeSource(writer, source);
  writer.key(key.target);
  writer.raw(target.ip);
}

function writeSource(writer: Writer, source: Endpoint): void {
  writer.key(key.sourceAddress);
  const port = writeIp(writer, source.address);
  text(writer, key.sourceName, source.name);
  number(writer, key.sourcePort, port);
}

function writeAlive(writer: Writer, message: Extract<Message, { type: 'alive' }>): void {
  head(writer, messageTypes.alive, 6);
  writer.key(key.address);
  const port = writeIp(writer, message.address);
  number(writer, key.incarnation, message.incarnation);
  writer.key(key.meta);
  writer.raw(message.meta);
  text(writer, key.node, message.node);
  number(writer, key.port, port);
  writer.key(key.versions);
  writer.raw(message.versions);
}

/** Writes the address without its port, which it gives back: its key comes later. */
export function writeIp(writer: Writer, address: Address): number {
  const ipv4Port = writer.ipv4(address);
  if (ipv4Port >= 0) return ipv4Port;
  const { ip, port } = parseWireAddress(address);
  writer.raw(ip);
  return port;
}

function head(writer: Writer, type: number, pairCount: number): void {
  writer.byte(type);
  writer.map(pairCount);
}

function text(writer: Writer, encodedKey: Uint8Array, value: string): void {
  writer.key(encodedKey);
  writer.text(value);
}

function number(writer: Writer, encodedKey: Uint8Array, value: number): void {
  writer.key(encodedKey);
  writer.uint(value, u32Max);
}
