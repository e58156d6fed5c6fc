import { describe, expect, test } from 'vitest';
import { allowList } from '../src/allow-list.ts';
import { canonicalHost, Endpoints, Origins } from '../src/endpoints.ts';
import { resolveAdvertised, resolveBind, type InterfaceAddress } from '../src/resolve.ts';
import { address } from './helpers.ts';

describe('allow-list', () => {
  test.each([
    [undefined, '8.8.8.8', true],
    [[], '127.0.0.1', false],
    [['10.0.0.0/8'], '10.255.0.1', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['10.0.0.0/8'], '::ffff:10.0.0.1', true],
    [['192.0.2.7'], '192.0.2.7', true],
    [['192.0.2.7'], '192.0.2.8', false],
    [[' 192.0.2.0/31 '], '192.0.2.1', true],
    [['0.0.0.0/0'], '8.8.8.8', true],
    [['0.0.0.0/0'], '::1', false],
    [['fd00::/8'], 'fd12::1', true],
    [['fd00::/8'], 'fe80::1', false],
    [['fe80::/10'], 'fe80::1%eth0', true],
    [['::1'], '::1', true],
    [['10.0.0.0/8', '::/0'], '2001:db8::1', true],
  ])('%j has %s: %s', (ranges, host, expected) => {
    expect(allowList(ranges).has(host)).toBe(expected);
  });

  test('names every bad range', () => {
    const ranges = ['10.0.0.0/8', '10.0.0.0/33', '::/129', 'example.org', '', '10.0.0/8', '1.2.3.4/', '1.2.3.4/-1'];
    expect(() => allowList(ranges)).toThrow(
      'No address ranges: "10.0.0.0/33", "::/129", "example.org", "", "10.0.0/8", "1.2.3.4/", "1.2.3.4/-1".',
    );
  });
});

describe('endpoints', () => {
  test('are found for IP addresses and nothing else', () => {
    const endpoints = new Endpoints();
    expect(endpoints.find(address('10.0.0.1:7946'))).toEqual({ host: '10.0.0.1', port: 7_946, family: 4 });
    expect(endpoints.find(address('[fe80::1%eth0]:1'))).toEqual({ host: 'fe80::1%eth0', port: 1, family: 6 });
    expect(endpoints.find(address('[::1]:1'))).toBe(endpoints.find(address('[::1]:1'))); // remembered
    for (const text of ['node:1', '10.0.0.1:0', '10.0.0.1', '999.0.0.1:1', '10.0.0.1:65536', '']) {
      expect(endpoints.find(address(text))).toBeUndefined();
    }
  });

  test('and origins stay right when there are more than are remembered', () => {
    const endpoints = new Endpoints();
    const origins = new Origins(allowList(['10.0.0.0/9']));
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 20_000; index++) {
        const host = `10.${(index % 2) * 128}.${index >> 8}.${index & 255}`;
        expect(origins.find(host, 1 + (index % 7))).toBe(index % 2 === 0 ? `${host}:${1 + (index % 7)}` : undefined);
        expect(endpoints.find(address(`${host}:9`))?.host).toBe(host);
      }
    }
  });

  test.each([
    ['0:0:0:0:0:0:0:1', '::1'],
    ['FE80::1%eth0', 'fe80::1%eth0'],
    ['10.0.0.1', '10.0.0.1'],
    ['010.0.0.1', undefined],
    ['localhost', undefined],
  ])('%s is spelled %s', (host, expected) => {
    expect(canonicalHost(host)).toBe(expected);
  });
});

describe('what peers are told', () => {
  const any = { host: '0.0.0.0', port: 0, family: 4 } as const;
  const any6 = { host: '::', port: 0, family: 6 } as const;
  const one = (text: string, internal = false): InterfaceAddress => ({
    address: text,
    family: text.includes(':') ? 'IPv6' : 'IPv4',
    internal,
  });
  const interfaces = [
    one('127.0.0.1', true),
    one('169.254.3.4'),
    one('fe80::1'),
    one('10.1.2.3'),
    one('fd00::2'),
    one('10.9.9.9'),
  ];

  test('is the bound address, or the first real one of the family for a wildcard', async () => {
    const bound = await resolveBind('[0:0::1]:7946');
    expect(bound).toEqual({ host: '::1', port: 7_946, family: 6 });
    expect((await resolveAdvertised(undefined, bound, () => []))(7_946)).toBe('[::1]:7946');
    expect((await resolveAdvertised(undefined, any, () => interfaces))(5)).toBe('10.1.2.3:5');
    expect((await resolveAdvertised(undefined, any6, () => interfaces))(5)).toBe('[fd00::2]:5');
  });

  test('must be said when no interface has one', async () => {
    await expect(resolveAdvertised(undefined, any6, () => interfaces.slice(0, 4))).rejects.toMatchObject({
      code: 'NETWORK_ADVERTISE_UNKNOWN',
      message: ':: stands for every address, and no interface has an IPv6 address that peers could use.',
      hint: expect.stringContaining('advertise') as string,
    });
  });

  test.each([
    ['192.0.2.1:9', any, '192.0.2.1:9'],
    ['192.0.2.1', any, '192.0.2.1:5'],
    ['192.0.2.1:0', any, '192.0.2.1:5'],
    ['fd00::7', any6, '[fd00::7]:5'],
    ['[fd00::7]:9', any6, '[fd00::7]:9'],
  ])('may be said: %s', async (advertise, bound, expected) => {
    expect((await resolveAdvertised(advertise, bound, () => []))(5)).toBe(expected);
  });

  test.each([['[::1]:9'], ['0.0.0.0:9']])('cannot be %s', async (advertise) => {
    await expect(resolveAdvertised(advertise, any, () => [])).rejects.toMatchObject({
      code: 'NETWORK_ADVERTISE_INVALID',
    });
  });
});
