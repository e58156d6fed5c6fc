import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { Transfers } from '../src/dfs/transfers.ts';

/** As much of a socket as a transfer makes use of. */
class FakeSocket extends EventEmitter {
  stallMs = 0;
  isDestroyed = false;
  setTimeout(milliseconds: number): void {
    this.stallMs = milliseconds;
  }
  destroy(): void {
    this.isDestroyed = true;
  }
}

function begin(transfers: Transfers) {
  const [socket, raw] = [new FakeSocket(), new EventEmitter()];
  transfers.begin({ raw: { socket } } as never, { raw } as never);
  return { socket, end: () => raw.emit('close') };
}

test('a client that stalls in the middle of a put or get is cut off; one that goes on, or is done, is not', () => {
  const transfers = new Transfers({ transfersMax: 8, transferStallMs: 30_000 });
  const stalled = begin(transfers);
  expect([stalled.socket.stallMs, stalled.socket.isDestroyed]).toEqual([30_000, false]);
  stalled.socket.emit('timeout');
  expect(stalled.socket.isDestroyed).toBe(true);
  stalled.end();
  const done = begin(transfers);
  done.end();
  done.socket.emit('timeout');
  expect([done.socket.isDestroyed, done.socket.stallMs, transfers.count]).toEqual([false, 0, 0]);
});

test('more files at a time than a node carries: one more is told so, and how to go on', () => {
  const transfers = new Transfers({ transfersMax: 2, transferStallMs: 1 });
  const [first] = [begin(transfers), begin(transfers)];
  expect(() => begin(transfers)).toThrow(
    expect.objectContaining({ code: 'DFS_BUSY', hint: expect.stringContaining('2 files') }),
  );
  first.end();
  expect(begin(transfers).socket.isDestroyed).toBe(false);
});
