import { malformed, type Malformed } from '../malformed.ts';
import { defineFields, encodeKey, Reader } from '../msgpack/reader.ts';
import { written } from '../msgpack/writer.ts';
import { readTexts } from './texts.ts';

/** Whom a query concerns: the nodes with these names, or those whose tag matches a regular expression (Go's syntax). */
export type SerfFilter =
  | { readonly type: 'nodes'; readonly names: readonly string[] }
  | { readonly type: 'tag'; readonly tag: string; readonly expression: string };

const nodesType = 0;
const tagType = 1;
const tagFields = defineFields('Expr', 'Tag');
const expressionKey = encodeKey('Expr');
const tagKey = encodeKey('Tag');

/** One filter of a query. */
export function encodeFilter(filter: SerfFilter): Uint8Array {
  return written((writer) => {
    if (filter.type === 'nodes') {
      writer.byte(nodesType);
      writer.array(filter.names.length);
      for (const name of filter.names) writer.text(name);
    } else {
      writer.byte(tagType);
      writer.map(2);
      writer.key(expressionKey);
      writer.text(filter.expression);
      writer.key(tagKey);
      writer.text(filter.tag);
    }
  });
}

/** Total: never throws. The expression is a peer's: run it only with a bounded matcher. */
export function decodeFilter(bytes: Uint8Array): SerfFilter | Malformed {
  if (bytes.length === 0) return malformed('empty');
  const reader = new Reader(bytes, 1, bytes.length);
  const filter = readFilter(reader, bytes[0] as number);
  reader.finish();
  return reader.problem === undefined ? filter : malformed(reader.problem);
}

function readFilter(reader: Reader, type: number): SerfFilter {
  if (type === nodesType) return { type: 'nodes', names: readTexts(reader) };
  if (type !== tagType) reader.fail('unknown-type');
  let tag = '';
  let expression = '';
  for (let left = type === tagType ? reader.map() : 0; left > 0; left--) {
    const name = reader.key(tagFields);
    if (name === 'Tag') tag = reader.text();
    else if (name === 'Expr') expression = reader.text();
  }
  return { type: 'tag', tag, expression };
}
