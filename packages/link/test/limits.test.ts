// Every limit, reached.
import { describe, expect, test } from 'vitest';
import { linkConfig, LinkMachine } from '@grp/link';
import { seededRandom } from '@grp/sim';
import { address, Pair } from './pair.ts';

const heard = (pair: Pair): number => pair.log.filter((line) => line.includes('<')).length;

test('a full queue takes no more, says when there is room, and loses nothing', () => {
  const pair = new Pair({ queueBytesMax: 20_000 });
  pair.meet();
  const burst = Array.from({ length: 40 }, () => new Uint8Array(1_000));
  pair.say('a', ...burst);
  const refused = pair.log.filter((line) => line === 'a ! refuse').length;
  expect(refused).toBeGreaterThan(15);
  expect(pair.peer('a').queuedBytes).toBeLessThanOrEqual(20_000 + 1_400);
  expect(pair.peer('a').drops).toEqual({ 'send.queue-full': refused });
  pair.pass(100);
  expect(pair.log.filter((line) => line === 'a ! writable')).toHaveLength(1);
  expect(heard(pair)).toBe(40 - refused);
});

test('the longest message passes a queue that is shorter, alone, and room is told when it has', () => {
  const pair = new Pair({ queueBytesMax: 10_000, maxPayloadBytes: 500_000 });
  pair.meet();
  pair.say('a', 'small', new Uint8Array(500_000));
  expect(pair.log).toEqual(['a ! refuse']);
  pair.pass(50);
  expect(pair.log).toEqual(['a ! refuse', 'b < a small', 'a ! writable']);
  pair.say('a', new Uint8Array(500_000), 'next');
  pair.pass(1_000);
  expect(pair.log.slice(3)).toEqual(['a ! refuse', 'b < a 500000 bytes', 'a ! writable']);
});

test('a message that is too long is refused, and nothing else suffers', () => {
  const pair = new Pair({ maxPayloadBytes: 1_000 });
  pair.meet();
  pair.say('a', new Uint8Array(1_001), new Uint8Array(1_000));
  pair.settle();
  expect(pair.log).toEqual(['a ! refuse', 'b < a 1000 bytes']);
  expect(pair.peer('a').drops).toEqual({ 'send.too-long': 1 });
});

test('a message that is too long for the receiver ends the session with a reset, on both sides', () => {
  const pair = new Pair({ maxPayloadBytes: 100_000 });
  pair.machines.b = new LinkMachine({
    random: seededRandom('b'),
    datagramBytes: 1_400,
    config: { maxPayloadBytes: 2_000 },
  });
  pair.meet();
  pair.say('a', new Uint8Array(50_000));
  pair.pass(20);
  expect(pair.peer('b').drops['receive.malformed']).toBeGreaterThan(0);
  expect(pair.log).toEqual([]); // it never arrives, and it is not said that it has
});

test('what waits behind a gap is bounded; the rest comes again', () => {
  const pair = new Pair({ reorderBytesMax: 4_096, windowBytesInitial: 65_536 });
  pair.meet();
  pair.say('a', ...Array.from({ length: 20 }, () => new Uint8Array(1_300)));
  pair.carry((_, index) => index > 0);
  expect(pair.peer('b').drops['receive.no-room']).toBe(16);
  pair.pass(2_000);
  expect(heard(pair)).toBe(20);
});

test('a sender heeds the packets that the other side has room for', () => {
  const pair = new Pair();
  pair.machines.b = new LinkMachine({
    random: seededRandom('b'),
    datagramBytes: 1_400,
    config: { windowPacketsMax: 8 },
  });
  pair.meet();
  for (let count = 0; count < 50; count++) pair.say('a', `${count}`);
  expect(pair.wire).toHaveLength(8);
  pair.pass(200);
  expect(heard(pair)).toBe(50);
  expect(pair.peer('b').drops['receive.beyond-window']).toBeUndefined();
});

test('unfinished messages share a bounded room; whoever finds none waits, and each is brought out', () => {
  const machine = (seed: number): LinkMachine =>
    new LinkMachine({
      random: seededRandom(seed),
      datagramBytes: 1_400,
      config: { maxPayloadBytes: 100_000, reassemblyBytesMax: 100_000, rtoMinMs: 20, queueBytesMax: 200_000 },
    });
  const senders = ['x', 'y', 'z'].map((name, index) => ({ name: address(name), machine: machine(index + 1) }));
  const sink = { name: address('sink'), machine: machine(9) };
  const all = [...senders, sink];
  const delivered: string[] = [];
  const wire: { from: string; to: string; payload: Uint8Array }[] = [];
  let now = 0;
  const step = (node: (typeof all)[number], input: Parameters<LinkMachine['step']>[0][number]): void => {
    for (const effect of node.machine.step([input], now)) {
      if (effect.type === 'transmit') wire.push({ from: node.name, to: effect.to, payload: effect.payload });
      if (effect.type === 'deliver') delivered.push(`${effect.from} ${effect.message.length}`);
    }
  };
  for (const node of senders) step(node, { type: 'send', to: sink.name, message: new Uint8Array(80_000) });
  for (; now < 20_000 && delivered.length < 3; now += 5) {
    for (const { from, to, payload } of wire.splice(0)) {
      const node = all.find(({ name }) => name === to);
      if (node !== undefined) step(node, { type: 'datagram', from: address(from.split(':')[0] as string), payload });
    }
    for (const node of all) step(node, { type: 'wake' });
  }
  expect(delivered.toSorted()).toEqual(['x:1 80000', 'y:1 80000', 'z:1 80000']);
  const drops = sink.machine.stats().peers.reduce((sum, peer) => sum + (peer.drops['receive.no-room'] ?? 0), 0);
  expect(drops).toBeGreaterThan(0);
});

describe('peers', () => {
  test('are bounded: the one that was heard longest ago makes room, if nothing is under way with it', () => {
    const machine = new LinkMachine({ random: seededRandom(1), datagramBytes: 1_400, config: { peersMax: 2 } });
    const send = (to: string): readonly { readonly type: string }[] =>
      machine.step([{ type: 'send', to: address(to), message: new Uint8Array(1) }], 0);
    expect(send('p').map(({ type }) => type)).toEqual(['transmit']);
    expect(send('q').map(({ type }) => type)).toEqual(['transmit']);
    expect(send('r').map(({ type }) => type)).toEqual(['refuse']); // both still have something under way
    expect(machine.stats().drops).toEqual({ 'send.peers-full': 1 });
    machine.step([{ type: 'forget', peer: address('p') }], 1);
    expect(send('r').map(({ type }) => type)).toEqual(['transmit']);
  });

  test('that are quiet make room, and hear that they were forgotten', () => {
    const pair = new Pair({ peersMax: 1 });
    pair.meet();
    const effects = pair.step('a', { type: 'send', to: address('c'), message: new Uint8Array(1) });
    pair.wire = pair.wire.filter(({ to }) => to === 'b');
    expect(effects.map(({ type }) => type)).toEqual(['transmit', 'transmit']);
    pair.settle();
    expect(pair.log).toEqual(['b ! reset']);
  });

  test('that only greet cost a bounded memory, and nobody else his place', () => {
    const pair = new Pair({ pendingMax: 4 });
    pair.meet();
    const hello = new Uint8Array(24);
    hello.set([1, 0x30, 1]);
    for (let index = 0; index < 1_000; index++) {
      hello[4] = index;
      hello[5] = index >> 8;
      pair.step('b', { type: 'datagram', from: address(`x${index}`), payload: hello });
    }
    pair.wire = [];
    expect(pair.machines.b.stats().peers).toHaveLength(1);
    pair.say('a', 'well');
    pair.settle();
    expect(pair.log).toEqual(['b < a well']);
    pair.restart('a');
    pair.say('a', 'and again');
    pair.settle();
    expect(pair.log.slice(1)).toEqual(['b ! reset', 'b < a and again']);
  });
});

test('a greeting that nobody followed up is forgotten', () => {
  const pair = new Pair({ pendingMs: 1_000 });
  pair.say('a', 'x');
  pair.carry();
  const [welcome] = pair.wire;
  pair.wire = [];
  pair.now = 2_000;
  pair.wire.push(welcome as NonNullable<typeof welcome>);
  pair.settle();
  pair.pass(2_000);
  expect(pair.log).toEqual(['b < a x']); // by a second greeting
});

test('settings that contradict each other are refused, all at once', () => {
  expect(() => linkConfig.resolve({ rtoMinMs: 300, windowBytesMin: 70_000 })).toThrow(/rtoMinMs.*windowBytesMin/);
  expect(() => linkConfig.resolve({ reassemblyBytesMax: 4_096 })).toThrow(/reassemblyBytesMax/);
});
