import { Events } from '@grp/core';
import { describe, expect, test } from 'vitest';

async function collect<Event>(iteration: AsyncIterable<Event>): Promise<Event[]> {
  const seen: Event[] = [];
  for await (const event of iteration) seen.push(event);
  return seen;
}

describe('listeners', () => {
  test('hear every event in order until they cancel, twice if they listen twice', () => {
    const events = new Events<number>();
    const heard: number[] = [];
    const listener = (event: number): void => void heard.push(event);
    const [first, second] = [events.on(listener), events.on(listener)];
    events.emit(1);
    first();
    first();
    events.emit(2);
    second();
    events.emit(3);
    expect(heard).toEqual([1, 1, 2]);
  });

  test('that throw disturb nobody, and are told of', () => {
    const errors: unknown[] = [];
    const events = new Events<number>((cause) => errors.push(cause));
    const heard: number[] = [];
    events.on(() => {
      throw new Error('listener');
    });
    events.on((event) => heard.push(event));
    events.emit(1);
    expect([heard, errors]).toEqual([[1], [new Error('listener')]]);
    expect(() => {
      const silent = new Events<number>();
      silent.on(() => {
        throw new Error('listener');
      });
      silent.emit(1);
    }).not.toThrow();
  });

  test('may come and go during an event, which is for those who were there', () => {
    const events = new Events<number>();
    const heard: string[] = [];
    const cancel = events.on((event) => {
      heard.push(`a${event}`);
      cancel();
      events.on((later) => heard.push(`b${later}`));
    });
    events.emit(1);
    events.emit(2);
    expect(heard).toEqual(['a1', 'b2']);
  });

  test('hear nothing after close', () => {
    const events = new Events<number>();
    const heard: number[] = [];
    events.on((event) => heard.push(event));
    events.close();
    events.emit(1);
    expect(heard).toEqual([]);
  });
});

describe('iterations', () => {
  test('hear from the moment they were made, not from the first question', async () => {
    const events = new Events<number>();
    const iteration = events.iterate();
    events.emit(1);
    events.emit(2);
    expect(await iteration.next()).toEqual({ value: 1, done: false });
    const pending = iteration.next();
    expect(await pending).toEqual({ value: 2, done: false });
    const waiting = iteration.next();
    events.emit(3);
    expect(await waiting).toEqual({ value: 3, done: false });
  });

  test('end with close, after what was already there', async () => {
    const events = new Events<number>();
    const all = collect(events.iterate());
    for (const event of [1, 2, 3]) events.emit(event);
    events.close();
    expect(await all).toEqual([1, 2, 3]);
    expect(await collect(events.iterate())).toEqual([]);
  });

  test('end with their signal, also when it is given up before', async () => {
    const events = new Events<number>();
    const controller = new AbortController();
    const all = collect(events.iterate({ signal: controller.signal }));
    events.emit(1);
    controller.abort();
    events.emit(2);
    expect(await all).toEqual([1, 2]); // what comes before the reader looks is still given
    events.emit(3);
    expect(await collect(events.iterate({ signal: AbortSignal.abort() }))).toEqual([]);
  });

  test('keep the newest for a slow reader, and say how many went', async () => {
    const events = new Events<number>();
    let droppedCount = 0;
    const iteration = events.iterate({ bufferMax: 3, onDropped: (count) => (droppedCount += count) });
    for (let event = 1; event <= 10; event++) events.emit(event);
    events.close();
    expect(await collect(iteration)).toEqual([8, 9, 10]);
    expect(droppedCount).toBe(7);
  });

  test('keep 1,024 when nothing is said', async () => {
    const events = new Events<number>();
    const iteration = events.iterate();
    for (let event = 0; event < 5_000; event++) events.emit(event);
    events.close();
    expect(await collect(iteration)).toHaveLength(1_024);
  });

  test('let go when their reader leaves', async () => {
    const events = new Events<number>();
    const dropped: number[] = [];
    const options = { bufferMax: 1, onDropped: (count: number) => dropped.push(count) };
    const left = events.iterate(options);
    events.emit(1);
    for await (const event of left) if (event === 1) break;
    const never = events.iterate(options);
    await never.return(); // without ever asking
    for (let event = 0; event < 10; event++) events.emit(event);
    expect(dropped).toEqual([]);
  });

  test('do not disturb each other', async () => {
    const events = new Events<number>();
    const [a, b] = [collect(events.iterate()), collect(events.iterate())];
    events.emit(1);
    events.close();
    expect([await a, await b]).toEqual([[1], [1]]);
  });
});
