import { defineErrors, exitCodes, GrpError, httpStatuses, invariant, InvariantError } from '@grp/core';
import { describe, expect, test } from 'vitest';

const storeError = defineErrors({
  STORE_FULL: { kind: 'failure', message: '$name has $freeBytes bytes left.', hint: 'Remove something from $name.' },
  STORE_GONE: { kind: 'not-found', message: 'There is no $name.' },
});

describe('errors', () => {
  test('fill their text from the context', () => {
    const cause = new Error('ENOSPC');
    const error = storeError('STORE_FULL', { context: { name: 'data', freeBytes: 0 }, cause });
    expect(error).toBeInstanceOf(GrpError);
    expect(error).toMatchObject({
      name: 'GrpError',
      code: 'STORE_FULL',
      kind: 'failure',
      message: 'data has 0 bytes left.',
      hint: 'Remove something from data.',
      context: { name: 'data', freeBytes: 0 },
      cause,
    });
  });

  test('leave what the context does not have, and take a hint of the moment', () => {
    expect(storeError('STORE_GONE').message).toBe('There is no $name.');
    expect(storeError('STORE_FULL', { hint: 'Wait.' }).hint).toBe('Wait.');
    expect(storeError('STORE_GONE', { context: { name: '$name $& $1' } }).message).toBe('There is no $name $& $1.');
  });

  test('become the document that users get, with a hint of their kind where they have none', () => {
    const shown = (error: GrpError): unknown => JSON.parse(JSON.stringify(error));
    expect(shown(storeError('STORE_GONE', { context: { name: 'x' } }))).toEqual({
      code: 'STORE_GONE',
      message: 'There is no x.',
      hint: expect.stringMatching(/^\S.*\.$/),
    });
    expect(shown(storeError('STORE_FULL', { context: { name: 'x', freeBytes: 1 } }))).toEqual({
      code: 'STORE_FULL',
      message: 'x has 1 bytes left.',
      hint: 'Remove something from x.',
    });
  });

  test('have one exit code and one HTTP status per kind', () => {
    expect(exitCodes).toEqual({
      failure: 1,
      usage: 2,
      'not-found': 3,
      denied: 4,
      unreachable: 5,
      conflict: 6,
      'no-quorum': 7,
      violated: 8,
    });
    expect(Object.keys(httpStatuses)).toEqual(Object.keys(exitCodes));
  });

  test('that are bugs are another class', () => {
    expect(() => invariant(true, 'all is well')).not.toThrow();
    expect(() => invariant(false, 'one is one')).toThrow(new InvariantError('invariant broken: one is one'));
    expect(new InvariantError('x')).not.toBeInstanceOf(GrpError);
  });
});
