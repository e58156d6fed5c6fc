import { describe, expect, test, vi, afterEach } from 'vitest';
import picocolors from 'picocolors';
import { coloursFor } from '../src/output/colours.ts';
import { cutToHeight, watchLive } from '../src/output/live.ts';
import { table, tableWidth } from '../src/output/table.ts';
import { bandwidthText, clusterText, eventText, membersText } from '../src/output/views.ts';

const plain = { colours: picocolors.createColors(false), width: undefined };
const unsafe = /\p{Cc}(?<!\n)|\u202E/u;
const hostile = 'n3\u001B[2J\u202E\nrm -rf';

afterEach(() => vi.unstubAllEnvs());

describe('tables', () => {
  const columns = [
    { title: 'A', text: (row: readonly string[]) => row[0] ?? '' },
    { title: 'B', text: (row: readonly string[]) => row[1] ?? '', align: 'right' as const },
  ];

  test('have no borders and no trailing blanks', () => {
    expect(
      table(
        [
          ['x', '1'],
          ['longer', '22'],
        ],
        columns,
        plain,
      ),
    ).toBe('A        B\nx        1\nlonger  22');
  });

  test('are cut to the terminal, the widest column first', () => {
    const drawn = table([['x'.repeat(100), '12345']], columns, { ...plain, width: 40 });
    for (const line of drawn.split('\n')) expect(line.length).toBeLessThanOrEqual(40);
    expect(drawn).toContain('…');
    expect(drawn).toContain('12345');
  });

  test('are not cut in a pipe', () => {
    expect(tableWidth({})).toBeUndefined();
    expect(tableWidth({ isTTY: true, columns: 100 })).toBe(100);
    expect(table([['x'.repeat(300), '1']], columns, plain)).toContain('x'.repeat(300));
  });
});

describe('what peers say is made safe', () => {
  const member = {
    id: `${hostile}#1`,
    name: hostile,
    address: '127.0.0.1:1',
    status: 'alive',
    incarnation: 1,
    tags: { [hostile]: hostile },
  } as const;

  test('in lists', () => {
    const text = membersText({ schema: '', self: 'n1#1', members: [member] }, plain);
    expect(text).toContain('n3 rm -rf');
    expect(text.split('\n')).toHaveLength(3);
    expect(text).not.toMatch(unsafe);
  });

  test('in events', () => {
    const event = {
      schema: '',
      at: '2026-01-01T00:00:00.000Z',
      noun: 'swim',
      type: 'user-event',
      name: hostile,
      payload: hostile,
      member,
    };
    const text = eventText(event, plain.colours);
    expect(text).toMatch(/^00:00:00\.000 swim\.user-event /);
    expect(text).not.toMatch(unsafe);
    expect(eventText({ noun: 5, type: null }, plain.colours)).toContain('5.null');
  });
});

test('a list counts its members and marks the node that was asked', () => {
  const member = (name: string, status: 'alive' | 'down') => ({
    id: `${name}#1`,
    name,
    address: '',
    status,
    incarnation: 1,
    tags: {},
  });
  const text = membersText({ schema: '', self: 'n1#1', members: [member('n1', 'alive'), member('n2', 'down')] }, plain);
  expect(text).toContain('n1 *');
  expect(text).toContain('1 alive, 1 down');
});

test('an exited node shows its code', () => {
  const node = { id: 'n1', pid: 5, state: 'exited', exitCode: 6, roles: ['swim'], http: '', ports: {} } as const;
  expect(clusterText({ nodes: [node, { ...node, exitCode: null }] }, plain)).toMatch(
    /exited \(6\)[\s\S]*exited \(no code\)/,
  );
});

test('bandwidth is a rate, then a table by type and by peer', () => {
  const traffic = { bytesIn: 2_000, bytesOut: 1_000, packetsIn: 2, packetsOut: 1 };
  const report = {
    schema: '',
    since: new Date(0).toISOString(),
    total: traffic,
    messages: [{ type: 'ping', ...traffic }],
    peers: [{ address: '127.0.0.1:1', ...traffic }],
    dropped: { 'bad-crc': 3, other: 0 },
  };
  const text = bandwidthText(report, 10_000, plain);
  expect(text).toContain('100 B/s out, 200 B/s in, over 10.00 s');
  expect(text).toMatch(/ping +1\.0 kB +1 +2\.0 kB +2/);
  expect(text).toContain('127.0.0.1:1');
  expect(text).toContain('dropped: bad-crc 3');
});

describe('colours', () => {
  const on = (stream: object, off = false): boolean => coloursFor(stream, off).isColorSupported;
  test('only on a terminal, and not against anybody', () => {
    for (const name of ['NO_COLOR', 'FORCE_COLOR', 'TERM']) vi.stubEnv(name, '');
    expect(on({ isTTY: true })).toBe(true);
    expect(on({})).toBe(false);
    expect(on({ isTTY: true }, true)).toBe(false);
    vi.stubEnv('TERM', 'dumb');
    expect(on({ isTTY: true })).toBe(false);
    vi.stubEnv('FORCE_COLOR', '1');
    expect(on({})).toBe(true);
    vi.stubEnv('NO_COLOR', '1');
    expect(on({ isTTY: true })).toBe(false);
  });
});

test('a picture higher than the terminal is cut, not scrolled', () => {
  expect(cutToHeight('1\n2\n3\n4\n5', 4)).toBe('1\n2\n… 3 more lines');
  expect(cutToHeight('1\n2', 24)).toBe('1\n2');
});

describe('a watch without a terminal', () => {
  async function watch(answers: readonly (string | Error)[]): Promise<readonly string[]> {
    const ended = new AbortController();
    const written: string[] = [];
    const queue = [...answers];
    await watchLive({
      signal: ended.signal,
      intervalMs: 0,
      terminal: false,
      fetch: async () => {
        const next = queue.shift();
        if (queue.length === 0) ended.abort();
        if (next instanceof Error) throw next;
        return next ?? '';
      },
      draw: (value) => value,
      drawError: String,
      write: (value) => written.push(value),
      key: (value) => value,
    });
    return written;
  }

  test('writes each change once, and outlives a node that is away', async () => {
    expect(await watch(['a', 'a', new Error('away'), 'a', 'b', 'b', 'a'])).toEqual(['a', 'b', 'a']);
  });

  test('fails when it never could begin', async () => {
    await expect(watch([new Error('wrong address'), 'a'])).rejects.toThrow('wrong address');
  });
});
