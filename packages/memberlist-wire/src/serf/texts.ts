import type { Reader } from '../msgpack/reader.ts';

/** Names in one list: as many as nodes in a push-pull. An empty name takes one byte on the wire but eight in memory. */
export const namesMax = 1_048_576;

/** A list of texts, of at most `namesMax`. */
export function readTexts(reader: Reader): string[] {
  const count = reader.array();
  if (count > namesMax) reader.fail('too-long');
  const texts: string[] = [];
  for (let index = 0; index < count && reader.problem === undefined; index++) texts.push(reader.text());
  return texts;
}
