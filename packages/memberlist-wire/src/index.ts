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
