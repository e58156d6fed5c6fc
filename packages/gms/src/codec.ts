import { decodeControl, encodeControl } from './control.ts';
import { decodeHot, encodeHot, tags } from './frames.ts';
import type { GroupMessage } from './messages.ts';

/** The exact bytes of a message. */
export function encode(message: GroupMessage): Uint8Array {
  switch (message.kind) {
    case 'request':
    case 'ordered':
    case 'ack':
    case 'stable':
      return encodeHot(message);
    default:
      return encodeControl(message);
  }
}

/** Any bytes in, a message or undefined out; never throws. What it keeps of the bytes it keeps by reference. */
export function decode(bytes: Uint8Array): GroupMessage | undefined {
  return bytes[0] === tags.control ? decodeControl(bytes) : decodeHot(bytes);
}
