import type { Address } from '@grp/core';
import { formatWireAddress } from './address.ts';
import { malformed, type Malformed } from './malformed.ts';
import { messageTypes, type Endpoint, type Message } from './messages.ts';
import { defineFields, Reader } from './msgpack/reader.ts';

const u32Max = 0xffff_ffff;
const u16Max = 0xffff;

const pingFields = defineFields('Node', 'SeqNo', 'SourceAddr', 'SourceNode', 'SourcePort');
const indirectPingFields = defineFields(
  'Nack',
  'Node',
  'Port',
  'SeqNo',
  'SourceAddr',
  'SourceNode',
  'SourcePort',
  'Target',
);
const ackFields = defineFields('Payload', 'SeqNo');
const nackFields = defineFields('SeqNo');
const aliveFields = defineFields('Addr', 'Incarnation', 'Meta', 'Node', 'Port', 'Vsn');
const accusationFields = defineFields('From', 'Incarnation', 'Node');

/** Decodes `bytes[start … end)`, a message with its type byte. Total: never throws, allocates no more than it is given. */
export function decodeMessage(bytes: Uint8Array, start: number, end: number): Message | Malformed {
  if (start >= end) return malformed('empty');
  const type = bytes[start] as number;
  if (type === messageTypes.user) return { type: 'user', body: bytes.subarray(start + 1, end) };
  const reader = new Reader(bytes, start + 1, end);
  const message = readMessage(reader, type);
  reader.finish();
  return reader.problem === undefined ? message : malformed(reader.problem);
}

// What it gives counts only when the reader has no problem in the end.
function readMessage(reader: Reader, type: number): Message | Malformed {
  switch (type) {
    case messageTypes.ping:
      return readPing(reader);
    case messageTypes.indirectPing:
      return readIndirectPing(reader);
    case messageTypes.ack:
      return readAck(reader);
    case messageTypes.nack:
      return readNack(reader);
    case messageTypes.suspect:
      return readAccusation(reader, 'suspect');
    case messageTypes.dead:
      return readAccusation(reader, 'dead');
    case messageTypes.alive:
      return readAlive(reader);
    default:
      reader.fail(wrappings.has(type) ? 'nested' : type === messageTypes.encrypt ? 'sealed' : 'unknown-type');
      return malformed('unknown-type');
  }
}

const wrappings: ReadonlySet<number> = new Set([messageTypes.compound, messageTypes.compress, messageTypes.crc]);

/** Reads the map after the type byte of a ping. */
export function readPing(reader: Reader): Extract<Message, { type: 'ping' }> {
  let sequence = 0;
  let node = '';
  let sourceName = '';
  let sourcePort = 0;
  let ipStart = 0;
  let ipSize = 0;
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(pingFields)) {
      case 'Node':
        node = reader.text();
        break;
      case 'SeqNo':
        sequence = reader.uint(u32Max);
        break;
      case 'SourceAddr':
        ipSize = reader.raw();
        ipStart = reader.start;
        break;
      case 'SourceNode':
        sourceName = reader.text();
        break;
      case 'SourcePort':
        sourcePort = reader.uint(u16Max);
    }
  }
  const source = endpoint(reader, ipStart, ipSize, sourcePort, sourceName);
  return { type: 'ping', sequence, node, source };
}

function readIndirectPing(reader: Reader): Message {
  let sequence = 0;
  let node = '';
  let nack = false;
  let port = 0;
  let sourceName = '';
  let sourcePort = 0;
  let [ipStart, ipSize, sourceStart, sourceSize] = [0, 0, 0, 0];
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(indirectPingFields)) {
      case 'Nack':
        nack = reader.bool();
        break;
      case 'Node':
        node = reader.text();
        break;
      case 'Port':
        port = reader.uint(u16Max);
        break;
      case 'SeqNo':
        sequence = reader.uint(u32Max);
        break;
      case 'SourceAddr':
        sourceSize = reader.raw();
        sourceStart = reader.start;
        break;
      case 'SourceNode':
        sourceName = reader.text();
        break;
      case 'SourcePort':
        sourcePort = reader.uint(u16Max);
        break;
      case 'Target':
        ipSize = reader.raw();
        ipStart = reader.start;
    }
  }
  const source = endpoint(reader, sourceStart, sourceSize, sourcePort, sourceName);
  const target = requiredAddress(reader, ipStart, ipSize, port);
  return { type: 'indirect-ping', sequence, target, node, nack, source };
}

/** Reads the map after the type byte of an ack. */
export function readAck(reader: Reader): Extract<Message, { type: 'ack' }> {
  let sequence = 0;
  let payload: Uint8Array = nothing;
  for (let left = reader.map(); left > 0; left--) {
    const name = reader.key(ackFields);
    if (name === 'SeqNo') sequence = reader.uint(u32Max);
    else if (name === 'Payload') payload = reader.view();
  }
  return { type: 'ack', sequence, payload };
}

function readNack(reader: Reader): Message {
  let sequence = 0;
  for (let left = reader.map(); left > 0; left--) {
    if (reader.key(nackFields) === 'SeqNo') sequence = reader.uint(u32Max);
  }
  return { type: 'nack', sequence };
}

function readAccusation(reader: Reader, type: 'suspect' | 'dead'): Message {
  let incarnation = 0;
  let node = '';
  let from = '';
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(accusationFields)) {
      case 'From':
        from = reader.text();
        break;
      case 'Incarnation':
        incarnation = reader.uint(u32Max);
        break;
      case 'Node':
        node = reader.text();
    }
  }
  if (node === '') reader.fail('empty');
  return { type, incarnation, node, from };
}

function readAlive(reader: Reader): Message {
  let incarnation = 0;
  let node = '';
  let meta: Uint8Array = nothing;
  let versions: Uint8Array = nothing;
  let port = 0;
  let ipStart = 0;
  let ipSize = 0;
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(aliveFields)) {
      case 'Addr':
        ipSize = reader.raw();
        ipStart = reader.start;
        break;
      case 'Incarnation':
        incarnation = reader.uint(u32Max);
        break;
      case 'Meta':
        meta = reader.view();
        break;
      case 'Node':
        node = reader.text();
        break;
      case 'Port':
        port = reader.uint(u16Max);
        break;
      case 'Vsn':
        versions = readVersions(reader);
    }
  }
  if (node === '') reader.fail('empty');
  const address = requiredAddress(reader, ipStart, ipSize, port);
  return { type: 'alive', incarnation, node, address, meta, versions };
}

const nothing = new Uint8Array(0);
const nowhere = '' as Address;

/** Six bytes, or none, as a view; any other count is refused. */
export function readVersions(reader: Reader): Uint8Array {
  const versions = reader.view();
  if (versions.length !== 0 && versions.length !== 6) reader.fail('versions');
  return versions;
}

/** An address that must be there, and reachable: no address without a port. */
export function requiredAddress(reader: Reader, ipStart: number, ipSize: number, port: number): Address {
  const address = port === 0 ? undefined : formatWireAddress(reader.bytes, ipStart, ipSize, port);
  if (address !== undefined) return address;
  reader.fail('address');
  return nowhere;
}

// The sender may leave its own address out (or its port, which is the same): then the datagram's source stands for it.
function endpoint(reader: Reader, start: number, size: number, port: number, name: string): Endpoint | undefined {
  if (size === 0 || port === 0) return undefined;
  return { address: requiredAddress(reader, start, size, port), name };
}
