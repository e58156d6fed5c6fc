import { ByteReader, ByteWriter } from '../bytes.ts';
import type { Command, Configuration, Payload, SnapshotInfo } from '../types.ts';

const kinds = ['no-op', 'configuration', 'register', 'command'] as const;
const commandKind = kinds.indexOf('command');

/** A command beside the bytes that it is on disk and on the wire, so that it is encoded once. */
class EncodedCommand implements Command {
  readonly type = 'command';
  readonly session: number;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly command: Uint8Array;
  readonly #bytes: Uint8Array;

  constructor({ session, sequence, acknowledged, command }: Omit<Command, 'type'>, bytes: Uint8Array) {
    this.session = session;
    this.sequence = sequence;
    this.acknowledged = acknowledged;
    this.command = command;
    this.#bytes = bytes;
  }

  static bytesOf(payload: Payload): Uint8Array | undefined {
    return #bytes in payload ? payload.#bytes : undefined;
  }
}

/** Commands that are proposed are written side by side into memory of this size: one allocation for many of them. */
const slabBytes = 65_536;
/** Longer ones have memory of their own. */
const slabCommandBytesMax = slabBytes / 8;
const commandHeadBytesMax = 28;

/** Payloads as bytes, on disk and on the wire. */
export class PayloadCodec {
  #slab = new Uint8Array(0);
  #slabUsed = 0;

  encode(payload: Payload): Uint8Array {
    return EncodedCommand.bytesOf(payload) ?? encodePayload(payload);
  }

  /** Undefined: those bytes are no payload. The payload keeps a view of them. */
  decode(bytes: Uint8Array): Payload | undefined {
    return decodePayload(bytes);
  }

  /** The same command, encoded once, however often it is written and sent. */
  prepare(command: Command): Command {
    if (EncodedCommand.bytesOf(command) !== undefined) return command;
    const bytesMax = command.command.length + commandHeadBytesMax;
    if (bytesMax > slabCommandBytesMax) return new EncodedCommand(command, encodePayload(command));
    if (this.#slabUsed + bytesMax > this.#slab.length) {
      this.#slab = new Uint8Array(slabBytes);
      this.#slabUsed = 0;
    }
    const place = this.#slab.subarray(this.#slabUsed, this.#slabUsed + bytesMax);
    const bytes = writeCommand(new ByteWriter(place).varint(commandKind), command).finish();
    this.#slabUsed += bytes.length;
    return new EncodedCommand(command, bytes);
  }
}

function encodePayload(payload: Payload): Uint8Array {
  const size = payload.type === 'command' ? payload.command.length + commandHeadBytesMax : 64;
  const writer = new ByteWriter(size).varint(kinds.indexOf(payload.type));
  if (payload.type === 'configuration') writeConfiguration(writer, payload.configuration);
  else if (payload.type === 'command') writeCommand(writer, payload);
  return writer.finish();
}

function writeCommand(writer: ByteWriter, { session, sequence, acknowledged, command }: Command): ByteWriter {
  return writer.varint(session).varint(sequence).varint(acknowledged).raw(command);
}

function decodePayload(bytes: Uint8Array): Payload | undefined {
  const reader = new ByteReader(bytes);
  const type = kinds[reader.varint()];
  let payload: Payload | undefined;
  if (type === 'configuration') payload = { type, configuration: readConfiguration(reader) };
  else if (type === 'command') {
    const [session, sequence, acknowledged] = [reader.varint(), reader.varint(), reader.varint()];
    payload = new EncodedCommand({ session, sequence, acknowledged, command: reader.raw(reader.remaining) }, bytes);
  } else if (type !== undefined) payload = { type };
  return reader.isBroken || reader.remaining > 0 ? undefined : payload;
}

export function writeConfiguration(writer: ByteWriter, configuration: Configuration): void {
  const { voters, outgoing, learners, addresses } = configuration;
  for (const ids of [voters, outgoing, learners]) {
    writer.varint(ids.length);
    for (const id of ids) writer.text(id);
  }
  const known = Object.entries(addresses);
  writer.varint(known.length);
  for (const [id, address] of known) writer.text(id).text(address);
}

export function readConfiguration(reader: ByteReader): Configuration {
  const ids = (): string[] => Array.from({ length: reader.count() }, () => reader.text());
  const [voters, outgoing, learners] = [ids(), ids(), ids()];
  const addresses: Record<string, string> = {};
  for (let left = reader.count(); left > 0 && !reader.isBroken; left--) {
    const id = reader.text();
    // Not by assignment: an id may be any text, `__proto__` too.
    Object.defineProperty(addresses, id, {
      value: reader.text(),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return { voters, outgoing, learners, addresses };
}

export function writeSnapshotInfo(
  writer: ByteWriter,
  { id, index, term, configuration, sizeBytes }: SnapshotInfo,
): void {
  writer.text(id).varint(index).varint(term).varint(sizeBytes);
  writeConfiguration(writer, configuration);
}

export function readSnapshotInfo(reader: ByteReader): SnapshotInfo {
  const id = reader.text();
  const [index, term, sizeBytes] = [reader.varint(), reader.varint(), reader.varint()];
  return { id, index, term, sizeBytes, configuration: readConfiguration(reader) };
}
