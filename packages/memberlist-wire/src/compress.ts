import { compressLzw, decompressLzw } from './lzw.ts';
import { malformed, type Malformed } from './malformed.ts';
import { messageTypes } from './messages.ts';
import { defineFields, encodeKey, type Reader } from './msgpack/reader.ts';
import { written } from './msgpack/writer.ts';

const compressFields = defineFields('Algo', 'Buf');
const algorithmKey = encodeKey('Algo');
const bodyKey = encodeKey('Buf');
/** The only algorithm there is. */
const lzw = 0;

/** The message wrapped in a compress message; as it was, when that would not be smaller. */
export function compressed(message: Uint8Array): Uint8Array {
  const body = compressLzw(message);
  if (body.length + 14 >= message.length) return message;
  return written((writer) => {
    writer.byte(messageTypes.compress);
    writer.map(2);
    writer.key(algorithmKey);
    writer.uint(lzw);
    writer.key(bodyKey);
    writer.raw(body);
  });
}

/** Reads the map after a compress message's type byte, and expands what it holds to at most `bytesMax`. */
export function readCompressed(reader: Reader, bytesMax: number): Uint8Array | Malformed {
  let algorithm = lzw;
  let size = 0;
  let start = 0;
  for (let left = reader.map(); left > 0; left--) {
    const name = reader.key(compressFields);
    if (name === 'Algo') algorithm = reader.uint(255);
    else if (name === 'Buf') {
      size = reader.raw();
      start = reader.start;
    }
  }
  reader.finish();
  if (reader.problem !== undefined) return malformed(reader.problem);
  if (algorithm !== lzw) return malformed('compress');
  const expanded = decompressLzw(reader.bytes.subarray(start, start + size), bytesMax);
  return typeof expanded === 'string' ? malformed(expanded) : expanded;
}
