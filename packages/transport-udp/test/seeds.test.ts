import { resolveSeeds, type ResolveSeedsOptions, type SeedResolver } from '@grp/transport-udp';
import { expect, test } from 'vitest';
import { FakeClock } from './fakes.ts';

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const hosts: Readonly<Record<string, readonly string[]>> = {
  'node.example': ['10.0.0.1', '10.0.0.2', 'fd00::1'],
  'six.example': ['fd00:0::0:9'],
  'empty.example': [],
  'a.example': ['10.0.1.1'],
  'b.example': ['10.0.1.2'],
};
const resolver: SeedResolver = {
  async host(name) {
    if (name === 'slow.example') return new Promise(() => {});
    const found = hosts[name];
    if (found === undefined) throw systemError('ENOTFOUND');
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  },
  async srv(name) {
    if (name !== '_swim._udp.example') throw systemError('ENODATA');
    return [
      { name: 'a.example', port: 1_000, priority: 20, weight: 0 },
      { name: 'b.example', port: 2_000, priority: 10, weight: 1 },
      { name: 'a.example', port: 3_000, priority: 10, weight: 9 },
      { name: 'gone.example', port: 4_000, priority: 10, weight: 0 },
      { name: '.', port: 0, priority: 0, weight: 0 },
    ];
  },
};
const options: ResolveSeedsOptions = { defaultPort: 7_946, resolver, clock: new FakeClock() };

test.each([
  ['10.0.0.1:9', ['10.0.0.1:9']],
  ['10.0.0.1', ['10.0.0.1:7946']],
  ['[::1]:9', ['[::1]:9']],
  ['[0:0::1]', ['[::1]:7946']],
  ['fd00::1', ['[fd00::1]:7946']],
  [' node.example:9 ', ['10.0.0.1:9', '10.0.0.2:9', '[fd00::1]:9']],
  ['six.example', ['[fd00::9]:7946']],
  ['srv:_swim._udp.example', ['10.0.1.1:3000', '10.0.1.2:2000', '10.0.1.1:1000']],
  ['_swim._udp.example', ['10.0.1.1:3000', '10.0.1.2:2000', '10.0.1.1:1000']],
])('%s gives %j', async (seed, expected) => {
  expect(await resolveSeeds([seed], options)).toEqual({ addresses: expected, failures: [] });
});

test.each([
  ['10.0.0.1:0', 'SEED_INVALID'],
  ['10.0.0.1:70000', 'SEED_INVALID'],
  ['999.0.0.1:1', 'SEED_INVALID'],
  ['a b', 'SEED_INVALID'],
  ['srv:', 'SEED_INVALID'],
  ['srv:a b', 'SEED_INVALID'],
  ['-\u001B[2Jx', 'SEED_INVALID'],
  ['nowhere.example', 'SEED_UNKNOWN'],
  ['_none._udp.example', 'SEED_UNKNOWN'],
  ['empty.example', 'SEED_NO_ADDRESS'],
])('%j fails with %s, and says what to do', async (seed, code) => {
  const { addresses, failures } = await resolveSeeds([seed, '10.0.0.1:9'], options);
  expect(addresses).toEqual(['10.0.0.1:9']);
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatchObject({ seed, code });
  expect(failures[0]?.message).not.toContain('$');
  expect(failures[0]?.message).not.toContain('\u001B');
  expect(failures[0]?.hint).not.toBe('');
});

test('the message says what the name service said', async () => {
  const { failures } = await resolveSeeds(['nowhere.example', 'six.example'], { ...options, family: 4 });
  expect(failures.map(({ message }) => message)).toEqual([
    '"nowhere.example" does not resolve (ENOTFOUND).',
    '"six.example" has no usable IPv4 address.',
  ]);
});

test('addresses of one family can be asked for', async () => {
  const seeds = ['node.example', '[::1]:9'];
  const { addresses, failures } = await resolveSeeds(seeds, { ...options, family: 6 });
  expect([addresses, failures]).toEqual([['[fd00::1]:7946', '[::1]:9'], []]);
});

test('addresses do not repeat, and neither do seeds', async () => {
  const seeds = [
    '10.0.0.1:7946',
    'node.example',
    '',
    ' ',
    '10.0.0.1',
    '10.0.0.1:7946',
    'nowhere.example',
    'nowhere.example',
  ];
  const { addresses, failures } = await resolveSeeds(seeds, { ...options, family: 4 });
  expect([addresses, failures.length]).toEqual([['10.0.0.1:7946', '10.0.0.2:7946'], 1]);
});

test('a name service that does not answer is waited for until the timeout', async () => {
  const clock = new FakeClock();
  const asked = resolveSeeds(['slow.example', 'a.example'], { ...options, clock, timeoutMs: 300 });
  await clock.run(300);
  expect(await asked).toMatchObject({ addresses: ['10.0.1.1:7946'], failures: [{ code: 'SEED_TIMEOUT' }] });
  expect(clock.timerCount).toBe(0);
});

test('seeds and addresses have a limit', async () => {
  const many = Array.from({ length: 300 }, (_, index) => `10.1.${index >> 8}.${index & 255}:1`);
  const { addresses, failures } = await resolveSeeds(many, options);
  expect([addresses.length, failures.length, failures[0]?.code]).toEqual([256, 44, 'SEED_LIMIT']);
  const wide: SeedResolver = {
    ...resolver,
    host: async () =>
      Array.from({ length: 5_000 }, (_, index) => ({ address: `10.${index >> 8}.0.${index & 255}`, family: 4 })),
  };
  expect((await resolveSeeds(['wide.example'], { ...options, resolver: wide })).addresses).toHaveLength(1_024);
});
