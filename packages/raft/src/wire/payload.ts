import { ByteReader, ByteWriter } from '../bytes.ts';
import type { Command, Configuration, Payload, SnapshotInfo } from '../types.ts';

const kinds = ['no-op', 'configuration', 'register', 'command'] as const;

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

/** Payloads as bytes, on disk and on the wire. */
export class PayloadCodec {
  encode(payload: Payload): Uint8Array {
    return EncodedCommand.bytesOf(payload) ?? encodePayload(payload);
  }

  /** Undefined: those bytes are no payload. The payload keeps a view of them. */
  decode(bytes: Uint8Array): Payload | undefined {
    return decodePayload(bytes);
  }

  /** The same command, encoded once, however often it is written and sent. */
  prepare(command: Command): Command {
    return EncodedCommand.bytesOf(command) === undefined
      ? new EncodedCommand(command, encodePayload(command))
      : command;
  }
}

function encodePayload(payload: Payload): Uint8Array {
  const size = payload.type === 'command' ? payload.command.length + 24 : 64;
  const writer = new ByteWriter(size).varint(kinds.indexOf(payload.type));
  if (payload.type === 'configuration') writeConfiguration(writer, payload.configuration);
  else if (payload.type === 'command') {
    const { session, sequence, acknowledged, command } = payload;
    writer.varint(session).varint(sequence).varint(acknowledged).raw(command);
  }
  return writer.finish();
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
