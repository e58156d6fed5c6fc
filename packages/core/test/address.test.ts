import { formatAddress, GrpError, parseAddress, tryParseAddress } from '@grp/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('addresses', () => {
  test.each([
    ['10.0.0.1:7946', undefined, { host: '10.0.0.1', port: 7_946 }],
    ['node-1.example:1', undefined, { host: 'node-1.example', port: 1 }],
    ['[::1]:7946', undefined, { host: '::1', port: 7_946 }],
    ['[fe80::1%eth0]:1', undefined, { host: 'fe80::1%eth0', port: 1 }],
    ['[fe80::1%br-lan.7]:1', undefined, { host: 'fe80::1%br-lan.7', port: 1 }],
    ['[::ffff:10.0.0.1]:1', undefined, { host: '::ffff:10.0.0.1', port: 1 }],
    ['host', 7_946, { host: 'host', port: 7_946 }],
    ['host:0', 7_946, { host: 'host', port: 0 }],
    ['[::1]', 7_946, { host: '::1', port: 7_946 }],
    ['host:65535', undefined, { host: 'host', port: 65_535 }],
    ['host:65536', undefined, undefined],
    ['host:123456', undefined, undefined],
    ['host:', 7_946, undefined],
    ['host:x', 7_946, undefined],
    ['host:-1', 7_946, undefined],
    ['host', undefined, undefined],
    [':1', undefined, undefined],
    ['', 7_946, undefined],
    ['::1', 7_946, undefined],
    ['[::1', 7_946, undefined],
    ['::1]:1', 7_946, undefined],
    ['[]:1', undefined, undefined],
    ['[host]:1', undefined, undefined],
    ['a b:1', undefined, undefined],
    ['host:1\n', undefined, undefined],
    ['host:1:2', undefined, undefined],
  ])('%j with default port %s is %j', (text, defaultPort, expected) => {
    expect(tryParseAddress(text, defaultPort)).toEqual(expected);
  });

  test('are refused with a code, a hint and no more of the text than is fit to read', () => {
    const attempt = (): unknown => parseAddress('\u001B[2J'.repeat(1_000));
    expect(attempt).toThrow(GrpError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID', kind: 'usage' }));
    expect(attempt).toThrow(expect.objectContaining({ hint: expect.stringContaining('[::1]:7946') as string }));
    expect(attempt).toThrow(/^[\x20-\x7E]{1,700}$/);
  });

  test('come back as they were written', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (given, port) => {
        expect(parseAddress(formatAddress(given, port))).toEqual({ host: given, port });
      }),
    );
  });

  test('of any text never throw in tryParseAddress', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const parsed = tryParseAddress(text, 1);
        expect(parsed === undefined || (parsed.host !== '' && parsed.port <= 65_535)).toBe(true);
      }),
    );
  });
});
