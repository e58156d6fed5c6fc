import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../src/commands.ts';
import { exitCodesOf } from '../src/exit-codes.ts';
import { globalFlags } from '../src/flags.ts';
import { envName } from '../src/given.ts';
import { grp } from './support/run.ts';

interface Described {
  readonly summary?: string;
  readonly description?: string;
  readonly examples?: readonly { readonly command: string; readonly description: string }[];
  readonly flags?: Readonly<
    Record<string, { readonly env?: string; readonly description?: string; readonly hidden?: boolean }>
  >;
  readonly args?: Readonly<Record<string, { readonly description?: string; readonly ignoreStdin?: boolean }>>;
  readonly baseFlags: object;
}

const commands = Object.entries(COMMANDS) as unknown as readonly (readonly [string, Described])[];
const wanted = {
  node: ['start', 'stop', 'status', 'events'],
  cluster: ['up', 'status', 'down', 'kill', 'pause', 'resume', 'restart', 'partition', 'heal', 'logs', 'wait'],
  chat: [
    ...['register', 'login', 'logout', 'passwd', 'delete-account', 'users', 'rooms'],
    ...['send', 'history', 'watch', 'unread'],
  ],
  dfs: ['put', 'get', 'cat', 'ls', 'store', 'rm', 'versions', 'stat', 'repair'],
  raft: ['status', 'add', 'remove', 'promote', 'transfer', 'snapshot', 'log'],
  swim: ['members', 'join', 'leave', 'events', 'bandwidth', 'reset', 'tags', 'keys', 'rtt', 'event', 'query'],
};

test('every verb of the contract is there', () => {
  for (const [noun, verbs] of Object.entries(wanted)) {
    for (const verb of verbs) expect(Object.keys(COMMANDS)).toContain(`${noun}:${verb}`);
  }
  expect(Object.keys(COMMANDS)).toEqual(expect.arrayContaining(['doctor', 'demo', 'completion']));
});

describe.each(commands)('%s', (id, command) => {
  const words = id.split(':');

  test('has the global flags, --json among them', () => {
    expect(command.baseFlags).toBe(globalFlags);
    expect(Object.keys(globalFlags)).toEqual(expect.arrayContaining(['json', 'node', 'dir', 'no-color', 'timeout']));
  });

  test('says what it does, with two examples at least that call it', () => {
    expect(command.summary).toMatch(/^[A-Z].{15,90}$/);
    expect(command.description?.length).toBeGreaterThan(20);
    expect(command.examples?.length).toBeGreaterThanOrEqual(2);
    for (const { command: line, description } of command.examples ?? []) {
      expect(line).toMatch(new RegExp(`^<%= config\\.bin %> ${words.join(' ')}( |$)`));
      expect(description).toMatch(/^\S.+$/);
    }
  });

  test('its examples use only flags that it has', () => {
    const known = { ...globalFlags, ...command.flags };
    for (const { command: line } of command.examples ?? []) {
      for (const [, name] of line.matchAll(/ --(?:no-)?([a-z-]+)/g)) {
        expect(Object.keys(known)).toContain(Object.hasOwn(known, `no-${name}`) ? `no-${name}` : name);
      }
    }
  });

  test('each flag has its variable and says what it is', () => {
    for (const [name, flag] of Object.entries({ ...globalFlags, ...command.flags })) {
      expect({ name, env: flag.env }).toEqual({ name, env: envName(name) });
      expect(`${name}: ${flag.description}`).toMatch(/: \S.{7,}/);
    }
  });

  test('arguments never read stdin unasked', () => {
    for (const argument of Object.values(command.args ?? {})) {
      expect(argument.ignoreStdin).toBe(true);
      expect(argument.description).toMatch(/^\S/);
    }
  });

  test('prints help', async () => {
    const { code, stdout } = await grp(...words, '--help');
    expect(code).toBe(0);
    expect(stdout).toContain(`$ grp ${words.join(' ')}`);
    expect(stdout).toContain('EXAMPLES');
    expect(stdout).toContain('--json');
  });

  test('says with which codes it ends, in its help too', async () => {
    const codes = exitCodesOf(id) ?? [];
    expect(codes.map(([code]) => code)).toEqual(expect.arrayContaining(['0', '1', '2']));
    const { stdout } = await grp(...words, '--help');
    const section = stdout.slice(stdout.indexOf('EXIT CODES'));
    for (const [code, meaning] of codes) expect(section).toMatch(new RegExp(`^ +${code} +${meaning}$`, 'm'));
    // What the description promises is in the table.
    for (const [, code = ''] of `${command.description}`.matchAll(/[Ee]xit code (\d)/g))
      expect(codes.map(([known]) => known)).toContain(code);
  });
});

test('the root page names every command, and topics explain the rest', async () => {
  const { code, stdout } = await grp('--help');
  expect(code).toBe(0);
  for (const id of Object.keys(COMMANDS)) expect(stdout).toContain(id.split(':').at(-1));
  expect(stdout).toContain('grp demo');
  for (const topic of ['exit-codes', 'environment', 'json']) {
    expect(stdout).toContain(topic);
    expect((await grp('help', topic)).code).toBe(0);
  }
  expect((await grp('help', 'exit-codes')).stdout).toMatch(/5 +unreachable/);
});
