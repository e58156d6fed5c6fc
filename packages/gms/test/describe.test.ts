import { expect, test } from 'vitest';
import { encode } from '../src/codec.ts';
import { describeMessage } from '../src/index.ts';
import type { GroupMessage } from '../src/messages.ts';

const stamp = { lineage: 1, epoch: 2 };
const proposal = { epoch: 3, places: [], cut: 9 };

test.each<[GroupMessage, string]>([
  [{ kind: 'ack', ...stamp, received: 12 }, 'ack 12'],
  [{ kind: 'stable', ...stamp, stable: 4, last: 9 }, 'stable 4'],
  [{ kind: 'need', ...stamp, received: 5 }, 'need 5'],
  [{ kind: 'install', ...stamp, proposal }, 'install view 3'],
  [{ kind: 'leave', ...stamp, id: 'n1#1' as never, isGone: false }, 'leave'],
])('%j is described as %s', (message, label) => {
  expect(describeMessage(encode(message))).toEqual({ kind: message.kind, label });
});

test('bytes that are no message are described as nothing', () => {
  for (const bytes of [[], [0x25], [0x22, 9], [1, 2, 3]])
    expect(describeMessage(Uint8Array.from(bytes))).toBeUndefined();
});
