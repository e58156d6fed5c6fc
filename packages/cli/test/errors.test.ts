import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { grp } from './support/run.ts';

const empty = mkdtempSync(join(tmpdir(), 'grp-cli-'));

afterEach(() => vi.unstubAllEnvs());

describe('errors', () => {
  test.each([
    [['swm', 'members'], 2, 'CLI_UNKNOWN_COMMAND', 'grp swim members'],
    [['swim', 'membrs'], 2, 'CLI_UNKNOWN_COMMAND', 'grp swim members'],
    [['cluster', 'kil', 'n3'], 2, 'CLI_UNKNOWN_COMMAND', 'grp cluster kill'],
    [['zzzzzz'], 2, 'CLI_UNKNOWN_COMMAND', 'grp --help'],
    [['swim', 'members', 'n3'], 2, 'CLI_ARGUMENT', 'grp swim members --help'],
    [['swim', 'members', '--wacth'], 2, 'CLI_UNKNOWN_FLAG', '--watch'],
    [['cluster', 'kill'], 2, 'CLI_ARGUMENT', '--help'],
    [['swim', 'members', '--timeout', '5'], 2, 'CLI_FLAG_VALUE', '500ms'],
    [['swim', 'members', '--timeout'], 2, 'CLI_USAGE', '--help'],
    [['cluster', 'wait', '--for', 'godot'], 2, 'CLI_USAGE', '--help'],
    [['cluster', 'up', '-n', '0'], 2, 'CLI_FLAG_VALUE', '--help'],
    [['cluster', 'up', '--seed', 'x'], 2, 'CLI_FLAG_VALUE', '--help'],
    [['swim', 'members', '--node', 'http://host/path'], 2, 'CLI_VALUE', 'http://host:port'],
    [['cluster', 'partition', 'n1,n2'], 2, 'CLI_VALUE', 'n1,n2/n3'],
    [['cluster', 'status', '--dir', empty], 3, 'CLUSTER_NONE', 'cluster up'],
    [['cluster', 'kill', 'n1', '--dir', empty], 3, 'CLUSTER_NONE', 'cluster up'],
    [['swim', 'members', '--node', 'n3', '--dir', empty], 3, 'CLUSTER_NONE', 'cluster up'],
    [['swim', 'keys', 'install', '--node', 'http://127.0.0.1:1'], 2, 'CLI_USAGE', '--key-file'],
    [['node', 'status', '--token-file', '/nonexistent/token'], 3, 'CLI_FILE_UNREADABLE', 'path'],
    [['swim', 'members', '--config', '/nonexistent/file'], 3, 'CLI_CONFIG_UNREADABLE', '--config'],
    [['doctor', '--peer', 'not an address'], 2, 'ADDRESS_INVALID', 'node.example:7946'],
  ])('grp %s exits %i with %s', async (argv, code, errorCode, hint) => {
    const json = await grp(...argv, '--json');
    expect(json.code).toBe(code);
    expect(json.lines).toEqual([
      { error: { code: errorCode, message: expect.stringMatching(/\S/), hint: expect.stringContaining(hint) } },
    ]);
    expect(json.stderr).toBe('');

    const text = await grp(...argv);
    expect(text.code).toBe(code);
    expect(text.stdout).toBe('');
    expect(text.stderr).toMatch(/^grp: \S/);
    expect(text.stderr.split('\n')[1]).toContain(hint);
  });

  test('help for what is no command is an error too', async () => {
    const { code, stderr } = await grp('help', 'zzzzzz');
    expect(code).toBe(2);
    expect(stderr).toContain('grp --help');
  });

  test('GRP_JSON asks for JSON as --json does', async () => {
    vi.stubEnv('GRP_JSON', '1');
    expect((await grp('swm')).lines[0]).toHaveProperty('error.code');
  });

  test('a secret that others can read is refused', async () => {
    const file = join(empty, 'token');
    writeFileSync(file, 'secret', { mode: 0o644 });
    const { code, lines } = await grp('node', 'status', '--token-file', file, '--json');
    expect(code).toBe(4);
    expect(lines[0]).toMatchObject({ error: { code: 'CLI_KEY_FILE_OPEN', hint: `Run: chmod 600 ${file}` } });
    expect(JSON.stringify(lines)).not.toContain('secret"');
  });

  test('hints say how this command was really started', async () => {
    vi.stubEnv('GRP_INVOCATION', 'npm run grp --');
    expect((await grp('swim', 'membrs')).stderr).toContain('npm run grp -- swim members');
  });

  test('--version prints the version', async () => {
    const { code, stdout } = await grp('--version');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^@grp\/cli\/\d+\.\d+\.\d+/);
  });
});
