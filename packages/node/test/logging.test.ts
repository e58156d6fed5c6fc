import { expect, test } from 'vitest';
import { createLogger, type LoggerOptions } from '../src/logging.ts';

function logTo(options: LoggerOptions) {
  const lines: string[] = [];
  const stream = { write: (line: string): void => void lines.push(line) };
  return { lines, logger: createLogger({ ...options, stream }) };
}

test('json: one object per line, with time, level, event and fields', () => {
  const { lines, logger } = logTo({ format: 'json', fields: { node: 'ann' } });
  logger.log('info', 'swim.join', { name: 'bob', address: '10.0.0.1:1', incarnation: 7 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/\n$/);
  expect(JSON.parse(lines[0] as string)).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    node: 'ann',
    event: 'swim.join',
    name: 'bob',
    address: '10.0.0.1:1',
    incarnation: 7,
  });
});

test('pretty: one line for people', () => {
  const { lines, logger } = logTo({ format: 'pretty' });
  logger.log('warn', 'swim.down', { name: 'bob', incarnation: 7, reason: 'it said nothing', ok: false });
  expect(lines.join('')).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: swim\.down name=bob incarnation=7 reason="it said nothing" ok=false\n$/,
  );
});

test('pretty: text from peers cannot steer the terminal, break the line or forge another one', () => {
  const { lines, logger } = logTo({ format: 'pretty' });
  const evil = '\u001B[2J\u001B]0;owned\u0007bob\r\n[00:00:00.000] INFO: swim.join name=fake\u202E\u200B\u009B31m';
  logger.log('info', 'swim.join', { name: evil, long: 'x'.repeat(100_000) });
  const text = lines.join('');
  expect(text.split('\n')).toHaveLength(2);
  // eslint-disable-next-line no-control-regex
  expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E\u200B]/);
  expect(text).toContain('name="bob [00:00:00.000] INFO: swim.join name=fake"');
  expect(text.length).toBeLessThan(2_000);
});

test('less important lines are left out; silent says nothing', () => {
  const { lines, logger } = logTo({ level: 'warn', format: 'json' });
  logger.log('debug', 'a');
  logger.log('info', 'b');
  logger.log('warn', 'c');
  logger.log('error', 'd');
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(['c', 'd']);
  const silent = logTo({ level: 'silent' });
  silent.logger.log('error', 'e');
  expect(silent.lines).toEqual([]);
});

test('colours only when asked for', () => {
  const plain = logTo({});
  plain.logger.log('info', 'a');
  expect(plain.lines.join('')).not.toContain('\u001B');
  const coloured = logTo({ color: true });
  coloured.logger.log('info', 'a');
  expect(coloured.lines.join('')).toContain('\u001B[');
});
