export { crc32 } from './crc32.ts';
export {
  compoundOverheadBytes,
  crcOverheadBytes,
  datagramOverheadBytes,
  openDatagram,
  partOverheadBytes,
  sealDatagram,
  type SealOptions,
} from './datagram.ts';
export { encodeMessage } from './encode-message.ts';
export { isMalformed, type Malformed, type MalformedReason } from './malformed.ts';
export type { Endpoint, Message, NodeState, Part, StreamMessage, Wrapping } from './messages.ts';
export { encodeStream, type EncodeStreamOptions } from './stream-encode.ts';
export type { StreamLimits } from './stream-limits.ts';
export { StreamReader } from './stream-reader.ts';
export { decodeCoordinatePayload, encodeCoordinatePayload, type Coordinate } from './serf/coordinate.ts';
export { decodeSerf } from './serf/decode.ts';
export { encodeSerf } from './serf/encode.ts';
export { decodeFilter, encodeFilter, type SerfFilter } from './serf/filter.ts';
export type { SerfEvents, SerfMember, SerfMessage } from './serf/messages.ts';
export { decodeTags, encodeTags } from './serf/tags.ts';
