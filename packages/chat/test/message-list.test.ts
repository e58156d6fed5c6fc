// The messages of a room, kept as the bytes of a snapshot: what goes in comes out, and what was captured stays as it was.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteRange, bytesOfKey, FieldReader, isText, keyOf, textOf, utf8 } from '../src/fields.ts';
import { MessageList } from '../src/message-list.ts';
import { readMessageRecord, recordLengthBytes } from '../src/message-record.ts';
import { hex } from '../src/model.ts';

function idOf(sequence: number): string {
  const bytes = new Uint8Array(16).fill(0xf0);
  new DataView(bytes.buffer).setUint32(12, sequence);
  return keyOf(new ByteRange(bytes));
}

function filled(texts: readonly string[]): MessageList {
  const list = new MessageList('general');
  for (const [place, text] of texts.entries()) {
    const sequence = place + 1;
    const common = { sequence, index: sequence * 3, id: idOf(sequence), atMs: sequence % 7, deleted: false };
    list.append({ ...common, from: utf8('ann'), text: utf8(text) });
  }
  return list;
}

function textsOf(list: MessageList): readonly string[] {
  return [...list].map(({ text }) => text);
}

/** What a snapshot makes of captured bytes. */
function read(pages: readonly Uint8Array[]): readonly (string | undefined)[] {
  const bytes = Uint8Array.from(Buffer.concat(pages));
  const view = new DataView(bytes.buffer);
  const texts: (string | undefined)[] = [];
  for (let at = 0; at < bytes.length;) {
    const from = at + recordLengthBytes;
    at = from + view.getUint32(from - recordLengthBytes);
    const record = readMessageRecord(bytes, from, at);
    texts.push(record === undefined ? undefined : textOf(record.text));
  }
  return texts;
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `text ${at + 1}`);

describe('a list of messages', () => {
  test('gives them by sequence, over many pages', () => {
    const list = filled(numbered(1_000));
    expect(list).toHaveLength(1_000);
    expect(list.at(1)).toEqual({
      sequence: 1,
      index: 3,
      id: hex(idOf(1)),
      from: 'ann',
      text: 'text 1',
      atMs: 1,
      deleted: false,
    });
    for (const sequence of [127, 128, 129, 1_000]) expect(list.at(sequence)?.text).toBe(`text ${sequence}`);
    for (const sequence of [0, -1, 1_001, 1.5e9, Number.NaN]) expect(list.at(sequence)).toBeUndefined();
    expect([...list.between(998, 2_000)].map(({ sequence }) => sequence)).toEqual([998, 999, 1_000]);
    expect([...list.between(-5, 2)]).toHaveLength(1);
  });

  test('finds one by its id in the page that it was put into', () => {
    const list = new MessageList('general');
    const common = { index: 1, from: utf8('ann'), text: utf8('x'), atMs: 1, deleted: false };
    const page = list.append({ ...common, sequence: 1, id: idOf(1) });
    list.append({ ...common, sequence: 2, id: idOf(2) });
    expect(page.find(idOf(2))?.sequence).toBe(2);
    expect(page.find(idOf(3))).toBeUndefined();
    expect(page.room).toBe('general');
  });

  test('a deletion takes the text and nothing else, and what was captured before keeps it', () => {
    const texts = numbered(300);
    const list = filled(texts);
    const before = list.capture();
    const length = before.reduce((sum, page) => sum + page.length, 0);
    for (const sequence of [1, 128, 129, 300]) expect(list.delete(sequence)).toBe(`text ${sequence}`.length);
    expect(list.delete(128)).toBe(0);
    expect(list.delete(301)).toBe(0);
    expect(list.at(128)).toMatchObject({ text: '', deleted: true, index: 384, from: 'ann' });
    const left = texts.map((text, at) => ([0, 127, 128, 299].includes(at) ? '' : text));
    expect(textsOf(list)).toEqual(left);
    expect(read(list.capture())).toEqual(left);
    expect(read(before)).toEqual(texts);
    expect(list.capture().reduce((sum, page) => sum + page.length, 0)).toBeLessThan(length);
    list.append({
      sequence: 301,
      index: 999,
      id: idOf(301),
      from: utf8('bob'),
      text: utf8('after'),
      atMs: 0,
      deleted: false,
    });
    expect(list.at(301)).toMatchObject({ text: 'after', from: 'bob', atMs: 0 });
  });

  test('whatever is said, deleted and captured in whatever order', () => {
    const step = fc.oneof(
      fc.record({ say: fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }) }),
      fc.record({ delete: fc.nat(400) }),
      fc.constant('capture' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const list = new MessageList('general');
        const model: string[] = [];
        const captured: { readonly pages: readonly Uint8Array[]; readonly texts: readonly string[] }[] = [];
        for (const one of steps) {
          if (one === 'capture') captured.push({ pages: list.capture(), texts: [...model] });
          else if ('say' in one) {
            model.push(one.say);
            const sequence = model.length;
            const common = { sequence, index: sequence, id: idOf(sequence), atMs: 1, deleted: false };
            list.append({ ...common, from: utf8('ann'), text: utf8(one.say) });
          } else if (one.delete > 0 && one.delete <= model.length) {
            list.delete(one.delete);
            model[one.delete - 1] = '';
          }
        }
        expect(textsOf(list)).toEqual(model);
        for (const { pages, texts } of captured) expect(read(pages)).toEqual(texts);
      }),
      { numRuns: 100 },
    );
  });
});

describe('fields', () => {
  test('keys are bytes, one character each', () => {
    for (const length of [0, 1, 15, 16, 17, 32, 40]) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 37) % 256);
      expect(bytesOfKey(keyOf(new ByteRange(bytes)))).toEqual(bytes);
    }
  });

  test('what is no UTF-8 is no text, however short', () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xe2, 0x82], [...Buffer.alloc(100, 'x'), 0xff]]) {
      expect(isText(new ByteRange(Uint8Array.from(bytes)))).toBe(false);
      expect(textOf(new ByteRange(Uint8Array.from(bytes)))).toBeUndefined();
    }
    for (const text of ['', 'a', 'é', '\uFEFFmark', 'x'.repeat(100), '👋']) expect(textOf(utf8(text))).toBe(text);
  });

  test('any bytes are read or broken, and never beyond their end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(20), (bytes, from) => {
        const at = Math.min(from, bytes.length);
        const reader = new FieldReader(bytes, at, bytes.length).enter(42);
        const range = reader.bytesOrNone(10);
        reader.number(16);
        expect(range.to).toBeLessThanOrEqual(Math.max(bytes.length, range.bytes.length));
        expect(readMessageRecord(bytes, at, bytes.length) === undefined || bytes.length > 30).toBe(true);
      }),
    );
  });
});
