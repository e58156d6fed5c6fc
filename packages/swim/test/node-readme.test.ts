import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { swimConfig, swimPresets, type SwimConfig, type SwimEvent } from '../src/index.ts';

const folder = new URL('../', import.meta.url);
const readme = await readFile(new URL('README.md', folder), 'utf8');
const protocol = await readFile(new URL('PROTOCOL.md', folder), 'utf8');
/** Lines of tables, without the padding. */
const rows = readme.split('\n').flatMap((line) => (line.startsWith('|') ? [line.replaceAll(/ +/g, ' ')] : []));

const shown = (value: number | boolean | undefined): string =>
  typeof value === 'number' ? value.toLocaleString('en-US') : String(value);

async function source(): Promise<string> {
  const files = await readdir(new URL('src/', folder), { recursive: true });
  const texts = files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFile(new URL(`src/${file}`, folder), 'utf8'));
  return (await Promise.all(texts)).join('\n');
}

test('the settings in the README are those of the code', () => {
  const expected = Object.entries(swimConfig.table).map(([name, setting]) => {
    const bounds = 'min' in setting ? `${shown(setting.min)} … ${shown(setting.max)}` : 'true, false';
    const unit = 'unit' in setting ? ` ${setting.unit}` : '';
    return `| \`${name}\` | ${shown(setting.default)}${unit} | ${bounds} | ${setting.reason} |`;
  });
  const at = rows.indexOf('| setting | default | bounds | reason |');
  expect(rows.slice(at + 2, at + 2 + expected.length)).toEqual(expected);
});

test('so are the presets', () => {
  const names = [
    ...new Set(Object.values(swimPresets).flatMap((preset) => Object.keys(preset))),
  ] as (keyof SwimConfig)[];
  const expected = names.map((name) => {
    const values = [swimPresets.local, swimPresets.lan, swimPresets.wan].map(
      (preset) => preset[name] ?? swimConfig.defaults[name],
    );
    return `| \`${name}\` | ${values.map(shown).join(' | ')} |`;
  });
  const at = rows.indexOf('| setting (ms, members) | `local` | `lan` | `wan` |');
  expect(rows.slice(at + 2, at + 2 + expected.length)).toEqual(expected);
});

test('every event has a row', () => {
  const events: Record<SwimEvent['type'], true> = {
    join: true,
    suspect: true,
    alive: true,
    down: true,
    leave: true,
    update: true,
    forget: true,
    'user-event': true,
    query: true,
    conflict: true,
    fault: true,
  };
  for (const type of Object.keys(events)) expect(rows.find((row) => row.startsWith(`| \`${type}\` |`))).toBeDefined();
});

test('every error has a row, with its kind', async () => {
  const errors = await readFile(new URL('src/errors.ts', folder), 'utf8');
  const codes = [...errors.matchAll(/(SWIM_\w+): \{\s+kind: '([\w-]+)'/g)].map(
    ([, code, kind]) => `| \`${code}\` | ${kind} |`,
  );
  expect(codes).toHaveLength(10);
  for (const start of codes) expect([start, rows.some((row) => row.startsWith(start))]).toEqual([start, true]);
});

test('every reason for which the machine and its edge drop something is explained', async () => {
  const reasons = [...(await source()).matchAll(/(?:runtime|meter)\.drop\(\s*(?:\w+ \? '([\w-]+)' : )?'([\w-]+)'/g)];
  const named = new Set(reasons.flatMap(([, one, other]) => [one, other]).filter((reason) => reason !== undefined));
  expect(named.size).toBeGreaterThan(18);
  for (const reason of named) expect([reason, readme.includes(`\`${reason}\``)]).toEqual([reason, true]);
});

test.each(['member.ts', 'sealed.ts'])('%s stands in the README as it is run', async (file) => {
  const [, ...code] = (await readFile(new URL(`examples/${file}`, folder), 'utf8')).split('\n');
  expect(readme).toContain(code.join('\n').trim());
});

test('PROTOCOL.md has the numbers of the code', async () => {
  const code = await source();
  for (const [pattern, said] of [
    [/incarnationMax = 0xf000_0000/, '0xf000 0000'],
    [/refutationsMax = 1_024/, '1,024'],
    [/mark = 0x67/, '0x67'],
    [/lifeTag = 'grp'/, '`grp`'],
    [/Uint8Array\.of\(1, 5, 2, 2, 5, 5\)/, '1, 5, 2, 2, 5, 5'],
    [/askTimeoutMs = 1_000/, 'within 1 s'],
  ] as const) {
    expect([said, pattern.test(code), protocol.includes(said)]).toEqual([said, true, true]);
  }
});
