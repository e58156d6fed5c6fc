import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readConfigFile } from '../src/config-file.ts';
import { completeArgv, givenFlags, wantsJson } from '../src/given.ts';
import { grp } from './support/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'grp-cli-'));
const flags = {
  name: { type: 'option' },
  nodes: { type: 'option', char: 'n' },
  role: { type: 'option', multiple: true },
  json: { type: 'boolean' },
  leave: { type: 'boolean', allowNo: true },
  'no-color': { type: 'boolean' },
} as const;

afterEach(() => vi.unstubAllEnvs());

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('flags > GRP_* > config file > default', () => {
  test.each([
    ['the flag wins', ['--name=a'], { GRP_NAME: 'b' }, { name: 'c' }, ['--name=a']],
    ['then the environment', [], { GRP_NAME: 'b' }, { name: 'c' }, ['--name=b']],
    ['then the file', [], {}, { name: 'c' }, ['--name=c']],
    ['then nothing is added', [], {}, {}, []],
    ['an empty variable is none', [], { GRP_NAME: '' }, { name: 'c' }, ['--name=c']],
    ['a short flag counts', ['-n5'], { GRP_NODES: '3' }, {}, ['-n5']],
    ['lists', [], {}, { role: ['swim', 'gms'] }, ['--role=swim', '--role=gms']],
    ['switches on', [], { GRP_JSON: 'true' }, {}, ['--json']],
    ['switches off', [], { GRP_LEAVE: '0' }, {}, ['--no-leave']],
    ['a switch without an opposite stays off', [], { GRP_JSON: '0' }, {}, []],
    ['an opposite is given too', ['--no-leave'], { GRP_LEAVE: '1' }, {}, ['--no-leave']],
    ['a name that begins with no-', ['--no-color'], { GRP_NO_COLOR: '1' }, {}, ['--no-color']],
    ['what follows -- is no flag', ['--', '--name=a'], {}, { name: 'c' }, ['--name=c', '--', '--name=a']],
  ])('%s', (_, argv, environment, fromFile, expected) => {
    expect(completeArgv(argv, flags, environment as NodeJS.ProcessEnv, fromFile)).toEqual(expected);
  });

  test('given flags are known by either name', () => {
    expect([...givenFlags(['-n', '5', '--role', 'swim', 'x'], flags)].toSorted()).toEqual(['nodes', 'role']);
  });

  test('--json after -- is no wish', () => {
    expect(wantsJson(['swim', '--', '--json'], {})).toBe(false);
    expect(wantsJson(['swim', '--json'], {})).toBe(true);
    expect(wantsJson([], { GRP_JSON: '1' })).toBe(true);
  });

  test('through a whole command', async () => {
    const config = file('precedence.yaml', `dir: ${join(folder, 'from-file')}\n`);
    const missing = async (...argv: string[]): Promise<string> => (await grp('cluster', 'status', ...argv)).stderr;
    expect(await missing('--config', config)).toContain('from-file');
    vi.stubEnv('GRP_CONFIG', config);
    expect(await missing()).toContain('from-file');
    vi.stubEnv('GRP_DIR', join(folder, 'from-environment'));
    expect(await missing()).toContain('from-environment');
    expect(await missing('--dir', join(folder, 'from-flag'))).toContain('from-flag');
  });
});

describe('the config file', () => {
  const known = ['base-port', 'role', 'tag', 'detach', 'loss'];

  test('is YAML or JSON, with settings of swim in a section', async () => {
    const yaml =
      'base-port: 8000\nrole: [swim]\ntag: { rack: a, zone: 2 }\ndetach: true\nloss: 2%\nswim: { probePeriodMs: 500 }\n';
    const expected = {
      flags: { 'base-port': '8000', role: ['swim'], tag: ['rack=a', 'zone=2'], detach: true, loss: '2%' },
      swim: { probePeriodMs: 500 },
    };
    expect(await readConfigFile(file('a.yaml', yaml), known)).toEqual(expected);
    const json = JSON.stringify({
      'base-port': 8_000,
      role: ['swim'],
      tag: { rack: 'a', zone: 2 },
      detach: true,
      loss: '2%',
      swim: { probePeriodMs: 500 },
    });
    expect(await readConfigFile(file('a.json', json), known)).toEqual(expected);
    expect(await readConfigFile(file('empty.yaml', ''), known)).toEqual({ flags: {}, swim: undefined });
  });

  test('names every problem at once, with suggestions', async () => {
    const wrong = file('wrong.yaml', 'basePort: 1\nrol: x\nzzzzzzzz: 1\ntag: [[1]]\nswim: 5\nconfig: other\n');
    await expect(readConfigFile(wrong, known)).rejects.toMatchObject({
      code: 'CLI_CONFIG_INVALID',
      kind: 'usage',
      message: expect.stringMatching(
        /basePort is no setting; did you mean base-port\?.*rol is no setting; did you mean role\?.*zzzzzzzz is no setting;.*tag must be.*swim must be.*config is no setting/,
      ),
    });
  });

  test.each([
    ['a list', '- a\n'],
    ['no YAML', 'a: [\n'],
    ['too long', `x: ${'y'.repeat(1_100_000)}`],
  ])('%s is refused', async (name, text) => {
    await expect(readConfigFile(file(`${name}.yaml`, text), known)).rejects.toMatchObject({
      code: 'CLI_CONFIG_INVALID',
    });
  });

  test('keys of other commands are no errors', async () => {
    const config = file('shared.yaml', 'base-port: 8000\nkinds: down\n');
    const { code, stderr } = await grp('cluster', 'status', '--dir', join(folder, 'none'), '--config', config);
    expect(stderr).toContain('no cluster');
    expect(code).toBe(3);
  });
});
