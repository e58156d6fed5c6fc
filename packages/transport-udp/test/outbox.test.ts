import { systemClock } from '@grp/core';
import { expect, test } from 'vitest';
import { Outbox } from '../src/outbox.ts';

test('what waits is a copy, also of a Buffer: its owner is told that it may be used again, and uses it', () => {
  const written: string[] = [];
  let hasRoom = false;
  const outbox = new Outbox({
    clock: systemClock(),
    delayMs: () => 0,
    write: (bytes) => {
      written.push(Buffer.from(bytes).toString());
      return hasRoom;
    },
    end: () => {},
    onDrain: () => {},
  });
  outbox.setOpen(true);
  outbox.write(Buffer.from('first')); // from now on the stream below is full
  const reused = Buffer.from('second');
  outbox.write(reused, () => reused.fill('x'));
  hasRoom = true;
  outbox.drained();
  expect(written).toEqual(['first', 'second']);
});
