import { writeIp } from '../encode-message.ts';
import { parseWireAddress } from '../address.ts';
import { encodeKey } from '../msgpack/reader.ts';
import { sharedWriter, type Writer } from '../msgpack/writer.ts';
import { nanosecondsPerMs, serfStatuses, serfTypes, type SerfMember, type SerfMessage } from './messages.ts';
import { writeTags } from './tags.ts';

const u32Max = 0xffff_ffff;

const key = {
  address: encodeKey('Addr'),
  coalesce: encodeKey('CC'),
  events: encodeKey('Events'),
  eventTime: encodeKey('EventLTime'),
  filters: encodeKey('Filters'),
  flags: encodeKey('Flags'),
  from: encodeKey('From'),
  id: encodeKey('ID'),
  ip: encodeKey('IP'),
  key: encodeKey('Key'),
  keys: encodeKey('Keys'),
  leftMembers: encodeKey('LeftMembers'),
  message: encodeKey('Message'),
  name: encodeKey('Name'),
  node: encodeKey('Node'),
  payload: encodeKey('Payload'),
  port: encodeKey('Port'),
  primaryKey: encodeKey('PrimaryKey'),
  prune: encodeKey('Prune'),
  queryTime: encodeKey('QueryLTime'),
  relayCount: encodeKey('RelayFactor'),
  result: encodeKey('Result'),
  sourceName: encodeKey('SourceNode'),
  status: encodeKey('Status'),
  statusTimes: encodeKey('StatusLTimes'),
  tags: encodeKey('Tags'),
  time: encodeKey('LTime'),
  timeout: encodeKey('Timeout'),
  to: encodeKey('DestAddr'),
  toName: encodeKey('DestName'),
  zone: encodeKey('Zone'),
};

// As they stand in alphabetical order around the other keys of a member.
const delegateKeys = ['DelegateCur', 'DelegateMax', 'DelegateMin'].map((name) => encodeKey(name));
const protocolKeys = ['ProtocolCur', 'ProtocolMax', 'ProtocolMin'].map((name) => encodeKey(name));

type Of<Type extends SerfMessage['type']> = Extract<SerfMessage, { type: Type }>;

/**
 * One Serf message with its type byte, keys in alphabetical order: the body of a user message, a user state, or a
 * query's payload.
 * @throws GrpError WIRE_ADDRESS, WIRE_NUMBER
 */
export function encodeSerf(message: SerfMessage): Uint8Array {
  const writer = sharedWriter();
  writer.byte(serfTypes[message.type]);
  write(writer, message);
  return writer.finish();
}

function write(writer: Writer, message: SerfMessage): void {
  switch (message.type) {
    case 'leave':
      return writeLeave(writer, message);
    case 'join':
      writer.map(2);
      number(writer, key.time, message.time);
      return text(writer, key.node, message.node);
    case 'push-pull':
      return writePushPull(writer, message);
    case 'user-event':
      return writeUserEvent(writer, message);
    case 'query':
      return writeQuery(writer, message);
    case 'query-response':
      return writeResponse(writer, message);
    case 'conflict':
      return message.member === undefined ? writer.nil() : writeMember(writer, message.member);
    case 'key-request':
      writer.map(1);
      return raw(writer, key.key, message.key);
    case 'key-response':
      return writeKeyResponse(writer, message);
    case 'relay':
      return writeRelay(writer, message);
  }
}

function writeLeave(writer: Writer, message: Of<'leave'>): void {
  writer.map(3);
  number(writer, key.time, message.time);
  text(writer, key.node, message.node);
  writer.key(key.prune);
  writer.bool(message.prune);
}

function writePushPull(writer: Writer, message: Of<'push-pull'>): void {
  writer.map(6);
  number(writer, key.eventTime, message.eventTime);
  writer.key(key.events);
  writer.array(message.events.length);
  for (const slot of message.events) {
    writer.map(2);
    writer.key(key.events);
    writer.array(slot.events.length);
    for (const event of slot.events) {
      writer.map(2);
      text(writer, key.name, event.name);
      raw(writer, key.payload, event.payload);
    }
    number(writer, key.time, slot.time);
  }
  number(writer, key.time, message.time);
  writer.key(key.leftMembers);
  texts(writer, message.leftMembers);
  number(writer, key.queryTime, message.queryTime);
  writer.key(key.statusTimes);
  writer.map(message.statusTimes.size);
  for (const [node, time] of message.statusTimes) {
    writer.text(node);
    writer.uint(time);
  }
}

function writeUserEvent(writer: Writer, message: Of<'user-event'>): void {
  writer.map(4);
  writer.key(key.coalesce);
  writer.bool(message.coalesce);
  number(writer, key.time, message.time);
  text(writer, key.name, message.name);
  raw(writer, key.payload, message.payload);
}

function writeQuery(writer: Writer, message: Of<'query'>): void {
  writer.map(11);
  writer.key(key.address);
  const port = writeIp(writer, message.source.address);
  writer.key(key.filters);
  if (message.filters.length === 0) writer.nil();
  else {
    writer.array(message.filters.length);
    for (const filter of message.filters) writer.raw(filter);
  }
  number(writer, key.flags, message.flags, u32Max);
  number(writer, key.id, message.id, u32Max);
  number(writer, key.time, message.time);
  text(writer, key.name, message.name);
  raw(writer, key.payload, message.payload);
  number(writer, key.port, port);
  number(writer, key.relayCount, message.relayCount, 255);
  text(writer, key.sourceName, message.source.name);
  number(writer, key.timeout, Math.round(message.timeoutMs * nanosecondsPerMs));
}

function writeResponse(writer: Writer, message: Of<'query-response'>): void {
  writer.map(5);
  number(writer, key.flags, message.flags, u32Max);
  text(writer, key.from, message.from);
  number(writer, key.id, message.id, u32Max);
  number(writer, key.time, message.time);
  raw(writer, key.payload, message.payload);
}

function writeMember(writer: Writer, member: SerfMember): void {
  const [protocolMin, protocolMax, protocolCur, delegateMin, delegateMax, delegateCur] = member.versions;
  writer.map(11);
  writer.key(key.address);
  const port = writeIp(writer, member.address);
  writeEach(writer, delegateKeys, [delegateCur, delegateMax, delegateMin]);
  text(writer, key.name, member.name);
  number(writer, key.port, port);
  writeEach(writer, protocolKeys, [protocolCur, protocolMax, protocolMin]);
  number(writer, key.status, serfStatuses.indexOf(member.status));
  writer.key(key.tags);
  writeTags(writer, member.tags);
}

function writeEach(writer: Writer, keys: readonly Uint8Array[], values: readonly (number | undefined)[]): void {
  for (const [index, encodedKey] of keys.entries()) number(writer, encodedKey, values[index] ?? 0);
}

function writeKeyResponse(writer: Writer, message: Of<'key-response'>): void {
  const { primaryKey } = message;
  writer.map(primaryKey === undefined ? 3 : 4);
  writer.key(key.keys);
  texts(writer, message.keys);
  text(writer, key.message, message.message);
  if (primaryKey !== undefined) text(writer, key.primaryKey, primaryKey);
  writer.key(key.result);
  writer.bool(message.result);
}

// The address is a Go net.UDPAddr, whence the map within the map and the zone.
function writeRelay(writer: Writer, message: Of<'relay'>): void {
  const { ip, port } = parseWireAddress(message.to);
  writer.map(2);
  writer.key(key.to);
  writer.map(3);
  raw(writer, key.ip, ip);
  number(writer, key.port, port);
  text(writer, key.zone, '');
  text(writer, key.toName, message.toName);
  writer.append(message.body);
}

function texts(writer: Writer, values: readonly string[]): void {
  writer.array(values.length);
  for (const value of values) writer.text(value);
}

function text(writer: Writer, encodedKey: Uint8Array, value: string): void {
  writer.key(encodedKey);
  writer.text(value);
}

function raw(writer: Writer, encodedKey: Uint8Array, value: Uint8Array): void {
  writer.key(encodedKey);
  writer.raw(value);
}

function number(writer: Writer, encodedKey: Uint8Array, value: number, max?: number): void {
  writer.key(encodedKey);
  writer.uint(value, max);
}
