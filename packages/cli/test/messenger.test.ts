import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { LineSplitter } from '../src/messenger/line-splitter.ts';
import { outputOf } from '../src/messenger/notices.ts';
import { commandTable, parseLine } from '../src/messenger/parse-line.ts';
import { jsonScreen, plainScreen } from '../src/messenger/plain-screen.ts';
import { terminalScreen } from '../src/messenger/terminal-screen.ts';
import { outputText } from '../src/messenger/text.ts';
import { coloursFor } from '../src/output/colours.ts';
import { ScreenModel } from './support/screen.ts';

const text = { colours: coloursFor({}, true), width: undefined };
const message = {
  ...({ type: 'message', order: 'total' } as const),
  ...{ group: 'tea', from: 'ann', fromId: 'id' as never, text: 'hello', sequence: 1, view: 1_000, wallMs: 0 },
  ...{ isOwn: false, isReplay: false },
};

describe('a typed line', () => {
  test.each([
    ['!j tea', { type: 'command', name: 'join', words: ['tea'] }],
    ['/j tea  secret', { type: 'command', name: 'join', words: ['tea', 'secret'] }],
    ['!lm', { type: 'command', name: 'members', words: [] }],
    ['/QUIT good night', { type: 'command', name: 'quit', words: ['good', 'night'] }],
    ['!e', { type: 'command', name: 'exit', words: [] }],
    ['!xyz', { type: 'unknown', word: 'xyz', nearest: undefined }],
    ['!gro', { type: 'unknown', word: 'gro', nearest: 'groups' }],
    ['hello', { type: 'text', text: 'hello' }],
    ['!!important', { type: 'text', text: '!important' }],
    ['//etc', { type: 'text', text: '/etc' }],
    ['!?', { type: 'text', text: '!?' }],
    ['  ', { type: 'nothing' }],
  ])('%j', (line, typed) => expect(parseLine(line)).toEqual(typed));

  test('every command has a short name of its own', () => {
    const shorts = Object.values(commandTable).map(({ short }) => short);
    expect(new Set(shorts).size).toBe(shorts.length);
    expect(shorts).toEqual(expect.arrayContaining(['g', 'lm', 'j', 'w', 'e', 'q', 'h', 'p', 'o', 's', 't', 'a', 'i']));
  });
});

describe('lines of a stream', () => {
  const bytes = (given: string): Uint8Array => new TextEncoder().encode(given);

  test('come whole, however they are cut into chunks, the last one without a newline, too', () => {
    const splitter = new LineSplitter();
    const all = bytes('één\r\ntwo\n\nlast');
    const lines = [...all].flatMap((byte) => splitter.push(Uint8Array.of(byte)).map((line) => line.text));
    expect([...lines, ...splitter.end().map((line) => line.text)]).toEqual(['één', 'two', '', 'last']);
  });

  test('a gigabyte without a newline is cut, and takes no memory', () => {
    const splitter = new LineSplitter();
    const chunk = new Uint8Array(1_048_576).fill(120);
    const before = process.memoryUsage().rss;
    for (let count = 0; count < 1_024; count++) expect(splitter.push(chunk)).toEqual([]);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1_048_576);
    const [line] = splitter.push(bytes('\n'));
    expect([line?.isCut, line?.text.length]).toEqual([true, 8_192]);
    expect(splitter.push(bytes('next\n'))).toEqual([{ text: 'next', isCut: false }]);
  });
});

describe('what is shown', () => {
  test('as JSON: one line each, with schema, whatever is in the text', () => {
    let written = '';
    jsonScreen((line) => void (written += line)).show({ ...message, text: 'a\nb\u2028\u202E' });
    expect(written.endsWith('\n') && written.trimEnd().includes('\n')).toBe(false);
    expect(JSON.parse(written)).toMatchObject({
      schema: 'grp.messenger.message/1',
      type: 'message',
      from: 'ann',
      order: 'total',
    });
    expect(written).not.toContain('\u202E');
  });

  test('plain: messages are data, notices are talk', () => {
    const [data, talk] = [[] as string[], [] as string[]];
    const screen = plainScreen(
      (line) => void data.push(line),
      (line) => void talk.push(line),
      text,
    );
    screen.show({ ...message, isReplay: true });
    screen.show(outputOf({ type: 'left', group: 'tea', nick: 'bob', reason: 'lost', text: '' }) as never);
    expect([data, talk]).toEqual([['[tea] ann: hello (replay)\n'], ['* [tea] bob was lost\n']]);
  });

  test('nothing of anybody reaches a terminal that it would obey, in whatever field it comes', () => {
    const evil = 'x\u001B]52;c;ZXZpbA==\u0007\u001B[2J\u202E\u200B';
    const state = {
      group: evil,
      order: 'total',
      status: 'active',
      topic: evil,
      view: 1,
      members: [evil],
      unread: 0,
      reached: 0,
      others: 1,
    } as const;
    const shown = [
      outputText({ ...message, group: evil, from: evil, text: evil }, text),
      outputText({ type: 'view', group: evil, number: 1, members: [evil], joined: [], left: [] }, text),
      outputText({ type: 'notice', code: 'x', group: evil, text: evil }, text),
      outputText({ type: 'peers', group: evil, state, peers: [] }, text),
      outputText({ type: 'error', error: { code: 'X', message: evil, hint: evil } }, text),
    ].join('');
    // eslint-disable-next-line no-control-regex -- these are what must not be there
    expect(shown).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u200B\u202E]/);
  });
});

describe('on a terminal', () => {
  function open(): {
    terminal: ScreenModel;
    input: PassThrough;
    lines: string[];
    screen: ReturnType<typeof terminalScreen>;
  } {
    const [terminal, input, lines] = [new ScreenModel(), new PassThrough(), [] as string[]];
    const screen = terminalScreen({
      ...{ input, output: terminal, text, prompt: () => 'tea> ' },
      complete: (line) => [[], line],
      onLine: (line) => void lines.push(line),
      onEnd: () => {},
    });
    return { terminal, input, lines, screen };
  }

  test('messages never break the line that is being typed', async () => {
    const { terminal, input, lines, screen } = open();
    input.write('half a sen');
    await expect.poll(() => terminal.rows.at(-1)).toBe('tea> half a sen');
    for (let count = 1; count <= 3; count++) screen.show({ ...message, text: `news ${count}` });
    await expect
      .poll(() => terminal.rows)
      .toEqual(['[tea] ann: news 1', '[tea] ann: news 2', '[tea] ann: news 3', 'tea> half a sen']);
    input.write('tence\r');
    await expect.poll(() => lines).toEqual(['half a sentence']);
    screen.close();
  });

  test('a line of several rows stays whole, with the cursor in its middle', async () => {
    const { terminal, input, lines, screen } = open();
    const long = 'a line that is so long that it takes three rows of this narrow terminal, really';
    input.write(long);
    input.write('\u001B[D\u001B[D\u001B[D');
    await expect.poll(() => terminal.rows.join('').trimEnd()).toBe(`tea> ${long}`);
    screen.show(message);
    screen.show({ ...message, text: 'and again' });
    await expect.poll(() => terminal.rows.slice(0, 2)).toEqual(['[tea] ann: hello', '[tea] ann: and again']);
    expect(terminal.rows.slice(2).join('').trimEnd()).toBe(`tea> ${long}`);
    input.write('!\r');
    await expect.poll(() => lines).toEqual([`${long.slice(0, -3)}!${long.slice(-3)}`]);
    screen.close();
  });
});
