import { requiredAddress } from '../decode-message.ts';
import { defineFields, type Reader } from '../msgpack/reader.ts';
import { serfStatuses, type SerfMember, type SerfMessage } from './messages.ts';
import { readTags } from './tags.ts';

const memberFields = defineFields(
  'Addr',
  'DelegateCur',
  'DelegateMax',
  'DelegateMin',
  'Name',
  'Port',
  'ProtocolCur',
  'ProtocolMax',
  'ProtocolMin',
  'Status',
  'Tags',
);

/** Field → its place in the six version bytes. */
const versionPlaces = {
  ProtocolMin: 0,
  ProtocolMax: 1,
  ProtocolCur: 2,
  DelegateMin: 3,
  DelegateMax: 4,
  DelegateCur: 5,
} as const;

/** A member, or nil (also an empty map) when the answerer does not know the name. */
export function readConflict(reader: Reader): Extract<SerfMessage, { type: 'conflict' }> {
  const count = reader.map();
  return { type: 'conflict', member: count === 0 ? undefined : readMember(reader, count) };
}

function readMember(reader: Reader, fieldCount: number): SerfMember {
  const versions = new Uint8Array(6);
  let name = '';
  let status: SerfMember['status'] = 'none';
  let tags: SerfMember['tags'] = {};
  let [port, ipStart, ipSize] = [0, 0, 0];
  for (let left = fieldCount; left > 0; left--) {
    const field = reader.key(memberFields);
    switch (field) {
      case 'Addr':
        ipSize = reader.raw();
        ipStart = reader.start;
        break;
      case 'Name':
        name = reader.text();
        break;
      case 'Port':
        port = reader.uint(0xffff);
        break;
      case 'Status':
        status = readStatus(reader);
        break;
      case 'Tags':
        tags = readTags(reader);
        break;
      case undefined:
        break;
      default:
        versions[versionPlaces[field]] = reader.uint(255);
    }
  }
  return { name, address: requiredAddress(reader, ipStart, ipSize, port), tags, status, versions };
}

function readStatus(reader: Reader): SerfMember['status'] {
  const status = serfStatuses[reader.uint(255)];
  if (status === undefined) reader.fail('state');
  return status ?? 'none';
}
