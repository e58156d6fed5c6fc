import { malformed, type Malformed } from '../malformed.ts';
import { Reader } from '../msgpack/reader.ts';
import { sharedWriter, type Writer } from '../msgpack/writer.ts';

/** Before the map; anything else is not Serf's. */
const tagMark = 0xff;

/** Tags as a member's meta: a mark, then a map sorted by key. At most 512 bytes fit a member; the caller checks. */
export function encodeTags(tags: Readonly<Record<string, string>>): Uint8Array {
  const writer = sharedWriter();
  writer.byte(tagMark);
  writeTags(writer, tags);
  return writer.finish();
}

export function writeTags(writer: Writer, tags: Readonly<Record<string, string>>): void {
  const names = Object.keys(tags).toSorted();
  writer.map(names.length);
  for (const name of names) {
    writer.text(name);
    writer.text(tags[name] as string);
  }
}

/**
 * The tags in a member's meta; empty for an empty meta, refused for what is not Serf's. The record has no prototype, so
 * that a tag named `__proto__` or a question for `constructor` meets nothing. Total: never throws.
 */
export function decodeTags(meta: Uint8Array): Record<string, string> | Malformed {
  if (meta.length === 0) return emptyTags();
  if (meta[0] !== tagMark) return malformed('unknown-type');
  const reader = new Reader(meta, 1, meta.length);
  const tags = readTags(reader);
  reader.finish();
  return reader.problem === undefined ? tags : malformed(reader.problem);
}

export function readTags(reader: Reader): Record<string, string> {
  const tags = emptyTags();
  for (let left = reader.map(); left > 0; left--) {
    const name = reader.text();
    tags[name] = reader.text();
  }
  return tags;
}

function emptyTags(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}
