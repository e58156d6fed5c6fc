import { describe, expect, test } from 'vitest';
import { requestProblem } from '../src/validate.ts';
import { assertName, compareNames, nameFromBytes, nameProblem } from '../src/names.ts';
import { blobId, sha256 } from './support.ts';

describe('a name', () => {
  test.each(['a', 'a/b c/ä\u{1F600}.txt', 'a//b', 'dir/', '..a', 'a..', '...', '-rf', 'a\\b', 'x'.repeat(1_024)])(
    '%j is one',
    (name) => expect(nameProblem(name)).toBeUndefined(),
  );

  test.each([
    ['', 'it is empty'],
    ['../x', 'it has a part . or ..'],
    ['a/../b', 'it has a part . or ..'],
    ['a\\..\\b', 'it has a part . or ..'],
    ['./a', 'it has a part . or ..'],
    ['a/..', 'it has a part . or ..'],
    ['/etc/passwd', 'it is absolute'],
    ['\\\\host\\share', 'it is absolute'],
    ['C:\\x', 'it is absolute'],
    ['a\0b', 'it contains a NUL'],
    ['x'.repeat(1_025), 'it is longer than 1024 bytes'],
    ['ä'.repeat(513), 'it is longer than 1024 bytes'],
    ['a\ud800', 'it is not valid UTF-8'],
  ])('%j is none', (name, problem) => {
    expect(nameProblem(name)).toBe(problem);
    expect(() => assertName(name)).toThrow(expect.objectContaining({ code: 'DFS_NAME_INVALID', kind: 'usage' }));
  });

  test('from bytes that are no UTF-8 is none', () => {
    expect(nameFromBytes(new TextEncoder().encode('ä'))).toBe('ä');
    expect(() => nameFromBytes(new Uint8Array([0x61, 0xff]))).toThrow(
      expect.objectContaining({
        code: 'DFS_NAME_INVALID',
        message: 'This is no name for a file: it is not valid UTF-8.',
      }),
    );
  });

  test('is ordered by its bytes', () => {
    const names = ['a', 'B', 'ä', '\u{FFFD}', '\u{1F600}', 'a/b', ''];
    const byBytes = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(names.toSorted(compareNames)).toEqual(byBytes);
  });
});

test.each([
  [{ kind: 'stat', name: '../x' }, 'DFS_NAME_INVALID'],
  [{ kind: 'remove', name: 'a', requestId: '' }, 'DFS_REQUEST_INVALID'],
  [{ kind: 'remove', name: 'a', requestId: 'x'.repeat(65) }, 'DFS_REQUEST_INVALID'],
  [{ kind: 'open-put', name: 'a', requestId: 'r', avoid: [], replicas: 17 }, 'DFS_REQUEST_INVALID'],
  [{ kind: 'open-put', name: 'a', requestId: 'r', avoid: [], keep: 0 }, 'DFS_REQUEST_INVALID'],
  [{ kind: 'list', prefix: '', limit: 10_001 }, 'DFS_REQUEST_INVALID'],
  [{ kind: 'abandon-put', blob: 'xyz', holders: [] }, 'DFS_REQUEST_INVALID'],
  [
    { kind: 'commit-put', name: 'a', requestId: 'r', blob: blobId(1), epoch: 0, bytes: 0, sha256: 'no', acks: [] },
    'DFS_REQUEST_INVALID',
  ],
] as const)('the request %j is refused', (request, code) => {
  expect(requestProblem(request)).toMatchObject({ code });
});

test('a request that is right is not refused', () => {
  const put = {
    kind: 'commit-put',
    name: 'a',
    requestId: 'r',
    blob: blobId(1),
    epoch: 0,
    bytes: 0,
    sha256,
    acks: [],
  } as const;
  expect(requestProblem(put)).toBeUndefined();
});
