import { requiredAddress } from '../decode-message.ts';
import { malformed, type Malformed } from '../malformed.ts';
import { defineFields, Reader } from '../msgpack/reader.ts';
import { readConflict } from './decode-member.ts';
import { readPushPull } from './decode-push-pull.ts';
import { nanosecondsPerMs, serfTypes, type SerfMessage } from './messages.ts';
import { namesMax, readTexts } from './texts.ts';

const u16Max = 0xffff;
const u32Max = 0xffff_ffff;
const timeMax = Number.MAX_SAFE_INTEGER;

const intentFields = defineFields('LTime', 'Node', 'Prune');
const eventFields = defineFields('CC', 'LTime', 'Name', 'Payload');
const queryFields = defineFields(
  'Addr',
  'Filters',
  'Flags',
  'ID',
  'LTime',
  'Name',
  'Payload',
  'Port',
  'RelayFactor',
  'SourceNode',
  'Timeout',
);
const responseFields = defineFields('Flags', 'From', 'ID', 'LTime', 'Payload');
const keyRequestFields = defineFields('Key');
const keyResponseFields = defineFields('Keys', 'Message', 'PrimaryKey', 'Result');
const relayFields = defineFields('DestAddr', 'DestName');
const udpAddressFields = defineFields('IP', 'Port');

/**
 * Decodes what Serf put into a user message, a user state or a query's payload. Total: never throws; lists are bounded,
 * and what is allocated is at most a small multiple of the body.
 */
export function decodeSerf(body: Uint8Array): SerfMessage | Malformed {
  if (body.length === 0) return malformed('empty');
  const reader = new Reader(body, 1, body.length);
  const message = readMessage(reader, body[0] as number);
  reader.finish();
  if (message === undefined) return malformed('unknown-type');
  return reader.problem === undefined ? message : malformed(reader.problem);
}

function readMessage(reader: Reader, type: number): SerfMessage | undefined {
  switch (type) {
    case serfTypes.leave:
      return readLeave(reader);
    case serfTypes.join: {
      const { time, node } = readLeave(reader);
      return { type: 'join', time, node };
    }
    case serfTypes['push-pull']:
      return readPushPull(reader);
    case serfTypes['user-event']:
      return readUserEvent(reader);
    case serfTypes.query:
      return readQuery(reader);
    case serfTypes['query-response']:
      return readResponse(reader);
    case serfTypes.conflict:
      return readConflict(reader);
    case serfTypes['key-request']:
      return readKeyRequest(reader);
    case serfTypes['key-response']:
      return readKeyResponse(reader);
    case serfTypes.relay:
      return readRelay(reader);
    default:
      return undefined;
  }
}

type Of<Type extends SerfMessage['type']> = Extract<SerfMessage, { type: Type }>;
type Mutable<Message> = { -readonly [Name in keyof Message]: Message[Name] };

const nothing = new Uint8Array(0);

function readLeave(reader: Reader): Of<'leave'> {
  const message: Mutable<Of<'leave'>> = { type: 'leave', time: 0, node: '', prune: false };
  for (let left = reader.map(); left > 0; left--) {
    const name = reader.key(intentFields);
    if (name === 'LTime') message.time = reader.uint(timeMax);
    else if (name === 'Node') message.node = reader.text();
    else if (name === 'Prune') message.prune = reader.bool();
  }
  return message;
}

function readUserEvent(reader: Reader): Of<'user-event'> {
  const message: Mutable<Of<'user-event'>> = {
    type: 'user-event',
    time: 0,
    name: '',
    payload: nothing,
    coalesce: false,
  };
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(eventFields)) {
      case 'CC':
        message.coalesce = reader.bool();
        break;
      case 'LTime':
        message.time = reader.uint(timeMax);
        break;
      case 'Name':
        message.name = reader.text();
        break;
      case 'Payload':
        message.payload = reader.copy();
    }
  }
  return message;
}

function readQuery(reader: Reader): Of<'query'> {
  let [time, id, flags, relayCount, timeoutMs, port, ipStart, ipSize] = [0, 0, 0, 0, 0, 0, 0, 0];
  let name = '';
  let sourceName = '';
  let payload: Uint8Array = nothing;
  let filters: Uint8Array[] = [];
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(queryFields)) {
      case 'Addr':
        ipSize = reader.raw();
        ipStart = reader.start;
        break;
      case 'Filters':
        filters = readFilters(reader);
        break;
      case 'Flags':
        flags = reader.uint(u32Max);
        break;
      case 'ID':
        id = reader.uint(u32Max);
        break;
      case 'LTime':
        time = reader.uint(timeMax);
        break;
      case 'Name':
        name = reader.text();
        break;
      case 'Payload':
        payload = reader.copy();
        break;
      case 'Port':
        port = reader.uint(u16Max);
        break;
      case 'RelayFactor':
        relayCount = reader.uint(255);
        break;
      case 'SourceNode':
        sourceName = reader.text();
        break;
      case 'Timeout':
        timeoutMs = reader.uint(timeMax) / nanosecondsPerMs;
    }
  }
  const source = { address: requiredAddress(reader, ipStart, ipSize, port), name: sourceName };
  return { type: 'query', time, id, source, filters, flags, relayCount, timeoutMs, name, payload };
}

function readFilters(reader: Reader): Uint8Array[] {
  const count = reader.array();
  if (count > namesMax) reader.fail('too-long');
  const filters: Uint8Array[] = [];
  for (let index = 0; index < count && reader.problem === undefined; index++) filters.push(reader.view());
  return filters;
}

function readResponse(reader: Reader): Of<'query-response'> {
  const message: Mutable<Of<'query-response'>> = {
    type: 'query-response',
    time: 0,
    id: 0,
    from: '',
    flags: 0,
    payload: nothing,
  };
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(responseFields)) {
      case 'Flags':
        message.flags = reader.uint(u32Max);
        break;
      case 'From':
        message.from = reader.text();
        break;
      case 'ID':
        message.id = reader.uint(u32Max);
        break;
      case 'LTime':
        message.time = reader.uint(timeMax);
        break;
      case 'Payload':
        message.payload = reader.copy();
    }
  }
  return message;
}

function readKeyRequest(reader: Reader): Of<'key-request'> {
  let key: Uint8Array = nothing;
  for (let left = reader.map(); left > 0; left--) if (reader.key(keyRequestFields) === 'Key') key = reader.copy();
  return { type: 'key-request', key };
}

function readKeyResponse(reader: Reader): Of<'key-response'> {
  const message: Mutable<Of<'key-response'>> = { type: 'key-response', result: false, message: '', keys: [] };
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(keyResponseFields)) {
      case 'Keys':
        message.keys = readTexts(reader);
        break;
      case 'Message':
        message.message = reader.text();
        break;
      case 'PrimaryKey':
        message.primaryKey = reader.text();
        break;
      case 'Result':
        message.result = reader.bool();
    }
  }
  return message;
}

function readRelay(reader: Reader): Of<'relay'> {
  let toName = '';
  let [port, ipStart, ipSize] = [0, 0, 0];
  for (let left = reader.map(); left > 0; left--) {
    const name = reader.key(relayFields);
    if (name === 'DestName') toName = reader.text();
    else if (name === 'DestAddr') {
      for (let inside = reader.map(); inside > 0; inside--) {
        const part = reader.key(udpAddressFields);
        if (part === 'Port') port = reader.uint(u16Max);
        else if (part === 'IP') {
          ipSize = reader.raw();
          ipStart = reader.start;
        }
      }
    }
  }
  const to = requiredAddress(reader, ipStart, ipSize, port);
  return { type: 'relay', to, toName, body: reader.rest() };
}
