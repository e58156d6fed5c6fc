import { ByteReader, ByteWriter } from '../bytes.ts';
import type { Configuration, Payload, SnapshotInfo } from '../types.ts';

const kinds = ['no-op', 'configuration', 'register', 'command'] as const;

/** Payloads as bytes, on disk and on the wire. Each is encoded once, however often it is written and sent. */
export class PayloadCodec {
  readonly #known = new WeakMap<Payload, Uint8Array>();

  encode(payload: Payload): Uint8Array {
    const known = this.#known.get(payload);
    if (known !== undefined) return known;
    const bytes = encodePayload(payload);
    this.#known.set(payload, bytes);
    return bytes;
  }

  /** Undefined: those bytes are no payload. The payload keeps a view of them. */
  decode(bytes: Uint8Array): Payload | undefined {
    const payload = decodePayload(bytes);
    if (payload !== undefined) this.#known.set(payload, bytes);
    return payload;
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
    payload = { type, session, sequence, acknowledged, command: reader.raw(reader.remaining) };
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
