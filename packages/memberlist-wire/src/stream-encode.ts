import { compressed } from './compress.ts';
import { writeMessage } from './encode-message.ts';
import { messageTypes, type StreamMessage, type Wrapping } from './messages.ts';
import { encodeKey } from './msgpack/reader.ts';
import { sharedWriter } from './msgpack/writer.ts';
import { writePushPull } from './push-pull.ts';
import { labelBytes, labelOverheadBytes, sealInto, sealOverheadBytes, writeLabel } from './seal.ts';

const errorKey = encodeKey('Error');
const userSizeKey = encodeKey('UserMsgLen');

/** Type byte and u32 length in front of a sealed stream. */
export const sealedHeaderBytes = 5;

export interface EncodeStreamOptions extends Wrapping {
  /** Compress when that makes it smaller (default false). */
  readonly compress?: boolean | undefined;
}

/**
 * Everything to write to a stream for one message. Inside out: message, compressed, sealed with its length in front,
 * label.
 * @throws GrpError WIRE_ADDRESS, WIRE_NUMBER, WIRE_LABEL_SIZE
 */
export function encodeStream(message: StreamMessage, options: EncodeStreamOptions): Uint8Array {
  const { keyring, compress = false } = options;
  const plain = encodeBody(message);
  const body = compress ? compressed(plain) : plain;
  const label = labelBytes(options);
  if (keyring === undefined && label.length === 0) return body;
  const before = labelOverheadBytes(label);
  const sealedHeader = keyring === undefined ? 0 : sealedHeaderBytes + sealOverheadBytes;
  const stream = new Uint8Array(before + sealedHeader + body.length);
  writeLabel(stream, label);
  if (keyring === undefined) stream.set(body, before);
  else {
    writeSealedHeader(stream, before, sealOverheadBytes + body.length);
    const additional = sealedAdditional(stream.subarray(before, before + sealedHeaderBytes), label);
    sealInto(stream, before + sealedHeaderBytes, { keyring, plaintext: body, additional });
  }
  return stream;
}

/** What a sealed stream authenticates besides its content: its header, then the label. */
export function sealedAdditional(header: Uint8Array, label: Uint8Array): Uint8Array {
  const additional = new Uint8Array(header.length + label.length);
  additional.set(header);
  additional.set(label, header.length);
  return additional;
}

function writeSealedHeader(target: Uint8Array, offset: number, size: number): void {
  target[offset] = messageTypes.encrypt;
  for (let index = 1; index < sealedHeaderBytes; index++) target[offset + index] = size >>> (32 - 8 * index);
}

function encodeBody(message: StreamMessage): Uint8Array {
  const writer = sharedWriter();
  switch (message.type) {
    case 'ping':
    case 'ack':
      writeMessage(writer, message);
      break;
    case 'user':
      writer.byte(messageTypes.user);
      writer.map(1);
      writer.key(userSizeKey);
      writer.uint(message.body.length);
      writer.append(message.body);
      break;
    case 'push-pull':
      writer.byte(messageTypes.pushPull);
      writePushPull(writer, message);
      break;
    case 'error':
      writer.byte(messageTypes.error);
      writer.map(1);
      writer.key(errorKey);
      writer.text(message.message);
  }
  return writer.finish();
}
