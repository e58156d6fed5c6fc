import type { Address, NodeId } from '@grp/core';
import { createLinks } from '@grp/link';
import { createWorld, type Host, type World } from '@grp/sim';
import { expect, test } from 'vitest';
import { createOrdering, type Links, type Order, type Ordering, type OrderingConfig } from '../src/index.ts';

interface App {
  readonly group: Ordering;
  readonly texts: string[];
}

const port = 7_000;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function start(order: Order, config: Partial<OrderingConfig> = {}): (host: Host) => App {
  return (host) => {
    const { clock, random } = host;
    const links = createLinks({ transport: host.transport(port), clock, random });
    const self = { id: host.name as NodeId, address: links.self };
    const group = createOrdering({ order, self, links, clock, config });
    const texts: string[] = [];
    group.on('deliver', (deliveries) => {
      for (const { payload } of deliveries) texts.push(new TextDecoder().decode(payload));
    });
    return { group, texts };
  };
}

function found(world: World<App>, number = 1): void {
  const members = world.names
    .filter((name) => world.state(name) === 'running')
    .map((name) => ({ id: name as NodeId, address: world.address(name, port) }));
  for (const { id } of members) world.node(id).group.setView({ number, members });
}

test('a group over links: one order, and everybody hears when all is settled', async () => {
  const world = createWorld<App>({ seed: 1, nodes: ['a', 'b', 'c'], start: start('total'), network: { loss: 0.1 } });
  found(world);
  for (const name of world.names) for (const text of ['x', 'y', 'z']) world.node(name).group.send(bytes(name + text));
  let isSettled = false;
  void world
    .node('a')
    .group.settled()
    .then(() => (isSettled = true));
  await world.runUntil(() => isSettled && world.everyNode(({ texts }) => texts.length === 9));
  expect(world.node('b').texts).toEqual(world.node('a').texts);
  expect(world.node('c').texts).toEqual(world.node('a').texts);
  expect(world.node('a').group.statistics()).toMatchObject({ status: 'active', sent: 3, delivered: 9, position: 9 });
});

test('what is sent before the first view waits for it', async () => {
  const world = createWorld<App>({ seed: 2, nodes: ['a', 'b'], start: start('fifo') });
  expect(world.node('a').group.send(bytes('early'))).toBe(true);
  await world.run(100);
  found(world);
  await world.runUntil(() => world.node('b').texts.length === 1);
  expect(world.node('b').texts).toEqual(['early']);
});

test('a message of a megabyte goes through', async () => {
  const world = createWorld<App>({ seed: 3, nodes: ['a', 'b'], start: start('causal') });
  found(world);
  world.node('a').group.send(new Uint8Array(1_048_576).fill(120));
  await world.runUntil(() => world.node('b').texts.length > 0);
  expect(world.node('b').texts[0]).toHaveLength(1_048_576);
});

test('a peer whose link is full stops the sender, until there is room', async () => {
  const sent: Address[] = [];
  let isFull = false;
  let onWritable: (peer: Address) => void = () => {};
  const links: Links = {
    self: 'a:1' as Address,
    send(to) {
      if (isFull) return false;
      sent.push(to);
      return true;
    },
    onReceive: () => () => {},
    onReset: () => () => {},
    onWritable(listener) {
      onWritable = listener;
      return () => {};
    },
  };
  const [a, b] = [
    { id: 'a' as NodeId, address: links.self },
    { id: 'b' as NodeId, address: 'b:1' as Address },
  ];
  const { group } = createWorld({
    seed: 4,
    nodes: ['a'],
    start: ({ clock }) => ({ group: createOrdering({ order: 'fifo', self: b, links, clock }) }),
  }).node('a');
  group.setView({ number: 1, members: [b] });
  group.setView({ number: 2, members: [b, a] });
  expect(sent).toEqual(['a:1']); // the request of the flush
  expect(group.status).toBe('flushing');
  isFull = true;
  expect(group.send(bytes('later'))).toBe(true);
  onWritable('a:1' as Address);
  expect(group.statistics().outbox.messages).toBe(1);
});

test('a full outbox is told by false, a payload beyond the limit by an error', () => {
  const world = createWorld<App>({
    seed: 5,
    nodes: ['a'],
    start: start('fifo', { outboxMessagesMax: 2, payloadBytesMax: 10 }),
  });
  const { group } = world.node('a');
  expect([1, 2, 3].map(() => group.send(bytes('x')))).toEqual([true, true, false]);
  expect(() => group.send(bytes('x'.repeat(11)))).toThrow(
    expect.objectContaining({ code: 'ORDERING_PAYLOAD_TOO_LARGE' }),
  );
});

test('views that are none are refused', () => {
  const { group } = createWorld<App>({ seed: 6, nodes: ['a'], start: start('fifo') }).node('a');
  const { self } = group;
  const wrong = expect.objectContaining({ code: 'ORDERING_VIEW_INVALID' });
  expect(() => group.setView({ number: 0, members: [self] })).toThrow(wrong);
  expect(() => group.setView({ number: 1, members: [] })).toThrow(wrong);
  expect(() => group.setView({ number: 1, members: [self, self] })).toThrow(wrong);
  expect(() => group.setView({ number: 1, members: [self, { ...self, id: 'b' as NodeId }] })).toThrow(wrong);
});

test('whoever is left out, or closes, waits for nothing any longer', async () => {
  const world = createWorld<App>({ seed: 7, nodes: ['a', 'b'], start: start('total') });
  found(world);
  await world.run(100);
  world.network.partition(['a'], ['b']);
  const { group } = world.node('a');
  group.send(bytes('lost'));
  const settled = group.settled();
  const excluded: number[] = [];
  group.on('excluded', ({ number }) => excluded.push(number));
  group.setView({ number: 2, members: [world.node('b').group.self] });
  await expect(settled).rejects.toMatchObject({ code: 'ORDERING_EXCLUDED' });
  expect([excluded, group.status]).toEqual([[2], 'excluded']);
  group.close();
  group.close();
  expect(group.status).toBe('closed');
  expect(() => group.send(bytes('x'))).toThrow(expect.objectContaining({ code: 'ORDERING_CLOSED' }));
});

test('a listener that throws disturbs nobody', async () => {
  const world = createWorld<App>({ seed: 8, nodes: ['a', 'b'], start: start('fifo') });
  world.node('b').group.on('deliver', () => {
    throw new Error('mine');
  });
  found(world);
  world.node('a').group.send(bytes('one'));
  world.node('a').group.send(bytes('two'));
  await world.runUntil(() => world.node('b').texts.length === 2);
  expect(world.node('b').texts).toEqual(['one', 'two']);
});

test('steps that wait for the end of a turn flush the links', () => {
  let flushes = 0;
  const deferred: (() => void)[] = [];
  const links: Links & { flush(): void } = {
    self: 'a:1' as Address,
    send: () => true,
    flush: () => void flushes++,
    onReceive: () => () => {},
    onReset: () => () => {},
    onWritable: () => () => {},
  };
  const self = { id: 'a' as NodeId, address: links.self };
  const clock = { now: () => 0, wallMs: () => 0, wakeAt: () => () => {} };
  const defer = (callback: () => void): void => void deferred.push(callback);
  const group = createOrdering({ order: 'fifo', self, links, clock, defer });
  group.setView({ number: 1, members: [self] });
  group.send(bytes('one'));
  expect([deferred.length, flushes]).toEqual([1, 0]);
  deferred[0]?.();
  expect([group.status, flushes]).toEqual(['active', 1]);
});
