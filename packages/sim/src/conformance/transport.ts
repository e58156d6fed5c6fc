import { tryParseAddress, type Address, type Transport } from '@grp/core';
import { check, checkBytes, checkEqual, pass, pattern, runSuite, until } from './suite.ts';
import type { Case, Environment, SuiteOptions } from './suite.ts';

/** `empty`: payloads of 0 bytes arrive. `self`: a node may send to itself. `reuse`: the sender may change its buffer after `send`. */
export type TransportFeature = 'empty' | 'self' | 'reuse';

/** Transports of two nodes for their conformance suite. */
export interface OpenTransports extends Environment {
  /** Two nodes that reach each other; almost nothing may be lost between them. */
  readonly a: Transport;
  readonly b: Transport;
}

type Received = { readonly from: Address; readonly payload: Uint8Array };

/** Judges an implementation of the `Transport` port. */
export function transportConformance(options: SuiteOptions<TransportFeature, OpenTransports>): void {
  runSuite(options, [...deliveryCases, ...listenerCases, ...closingCases]);
}

function listen(transport: Transport): Received[] {
  const received: Received[] = [];
  transport.onReceive((from, payload) => received.push({ from, payload }));
  return received;
}

// One datagram may be lost even where loss is rare, so that a case asks again.
async function deliver(opened: OpenTransports, payload: Uint8Array, received: readonly Received[]): Promise<Received> {
  const before = received.length;
  for (let attempt = 0; attempt < 5 && received.length === before; attempt++) {
    opened.a.send(opened.b.self, payload);
    for (let waited = 0; waited < 40 && received.length === before; waited++) await pass(opened, 5);
  }
  const first = received[before];
  check(first !== undefined, 'a datagram arrives');
  return first;
}

const deliveryCases: readonly Case<OpenTransports, TransportFeature>[] = [
  [
    'tells its own address, with a real port',
    ({ a, b }) => {
      for (const { self } of [a, b]) check((tryParseAddress(self)?.port ?? 0) > 0, `${self} is host:port`);
      check(a.self !== b.self, 'two nodes have two addresses');
      check(a.maxPayloadBytes >= 64, 'a datagram has room for 64 bytes');
    },
  ],
  [
    'delivers the bytes and the sender’s address',
    async (opened) => {
      const received = listen(opened.b);
      const payload = pattern(48, 1);
      const { from, payload: arrived } = await deliver(opened, payload, received);
      checkEqual(from, opened.a.self, 'the listener learns who sent it');
      checkBytes(arrived, payload, 'the payload is unaltered');
    },
  ],
  [
    'delivers both ways, and a listener may answer at once',
    async (opened) => {
      const answers = listen(opened.a);
      opened.b.onReceive((from, payload) => opened.b.send(from, payload));
      const { from, payload } = await deliver(opened, pattern(20, 2), answers);
      checkEqual(from, opened.b.self, 'the answer comes from the other side');
      checkBytes(payload, pattern(20, 2), 'the answer is unaltered');
    },
  ],
  [
    'never calls the listener during send',
    async (opened) => {
      const received = listen(opened.b);
      for (let count = 0; count < 10; count++) {
        const before = received.length;
        opened.a.send(opened.b.self, pattern(8, count));
        checkEqual(received.length, before, 'send returns before anything is delivered');
      }
      await until(opened, () => received.length > 0, 'the datagrams arrive later');
    },
  ],
  [
    'keeps datagrams apart, and invents none',
    async (opened) => {
      const received = listen(opened.b);
      const sent = Array.from({ length: 100 }, (_, index) => pattern(10 + index, index));
      for (const payload of sent) opened.a.send(opened.b.self, payload);
      await until(opened, () => received.length >= 90, 'at least 90 of 100 datagrams arrive');
      await pass(opened, 50);
      for (const { payload } of received) {
        const original = sent[payload.length - 10];
        check(original !== undefined, `no datagram of ${payload.length} bytes was sent`);
        checkBytes(payload, original, 'each datagram is one that was sent');
      }
    },
  ],
  [
    'gives the listener bytes to keep and to change',
    async (opened) => {
      const received = listen(opened.b);
      const sent = pattern(32, 7);
      const first = await deliver(opened, sent, received);
      await deliver(opened, pattern(32, 8), received);
      checkBytes(first.payload, pattern(32, 7), 'a later datagram does not overwrite an earlier one');
      first.payload.fill(0);
      checkBytes(sent, pattern(32, 7), 'the sender’s bytes are not the listener’s');
    },
  ],
  [
    'copies what it sends',
    async (opened) => {
      const received = listen(opened.b);
      const buffer = pattern(32, 9);
      for (let attempt = 0; attempt < 3; attempt++) {
        buffer.set(pattern(32, 9));
        opened.a.send(opened.b.self, buffer);
        buffer.fill(255);
      }
      await until(opened, () => received.length > 0, 'the datagram arrives');
      for (const { payload } of received)
        checkBytes(payload, pattern(32, 9), 'the bytes are those at the time of send');
    },
    'reuse',
  ],
  [
    'delivers the largest payload, and drops a larger one without a throw',
    async (opened) => {
      const received = listen(opened.b);
      const { maxPayloadBytes } = opened.a;
      opened.a.send(opened.b.self, new Uint8Array(maxPayloadBytes + 1));
      const { payload } = await deliver(opened, pattern(maxPayloadBytes, 3), received);
      checkBytes(payload, pattern(maxPayloadBytes, 3), 'the largest payload is unaltered');
      check(
        received.every((datagram) => datagram.payload.length <= maxPayloadBytes),
        'a payload above maxPayloadBytes is dropped',
      );
    },
  ],
  [
    'delivers an empty payload',
    async (opened) => {
      const { payload } = await deliver(opened, new Uint8Array(0), listen(opened.b));
      checkEqual(payload.length, 0, 'an empty datagram is empty');
    },
    'empty',
  ],
  [
    'delivers to itself, later',
    async (opened) => {
      const received = listen(opened.a);
      opened.a.send(opened.a.self, pattern(16, 4));
      checkEqual(received.length, 0, 'send to oneself returns before anything is delivered');
      await until(opened, () => received.length > 0, 'a datagram to oneself arrives');
      checkEqual(received[0]?.from, opened.a.self, 'it comes from oneself');
    },
    'self',
  ],
  [
    'sends to nobody and to nonsense without a throw, and still works',
    async (opened) => {
      const received = listen(opened.b);
      const nonsense = ['127.0.0.1:9', 'no address', '', '999.1.1.1:70000', '[::1', 'x:0', '10.0.0.1:'];
      for (const text of nonsense) opened.a.send(text as Address, pattern(8, 5));
      await pass(opened, 50);
      await deliver(opened, pattern(8, 6), received);
    },
  ],
  [
    'keeps order and sends each datagram once, when it says so',
    async (opened) => {
      if (opened.a.delivery !== 'fifo') return;
      const received = listen(opened.b);
      const sent = Array.from({ length: 200 }, (_, index) => pattern(16, index));
      for (const payload of sent) opened.a.send(opened.b.self, payload);
      await until(opened, () => received.length >= sent.length, 'a fifo transport delivers everything');
      await pass(opened, 100);
      checkEqual(received.length, sent.length, 'a fifo transport delivers once');
      for (const [index, { payload }] of received.entries()) checkBytes(payload, sent[index] as Uint8Array, 'in order');
    },
  ],
];

const listenerCases: readonly Case<OpenTransports, TransportFeature>[] = [
  [
    'drops what arrives without a listener, and works once there is one',
    async (opened) => {
      opened.a.send(opened.b.self, pattern(8, 1));
      await pass(opened, 50);
      const received = listen(opened.b);
      await deliver(opened, pattern(8, 2), received);
    },
  ],
  [
    'has one listener: a second replaces the first',
    async (opened) => {
      const first: Uint8Array[] = [];
      const cancelFirst = opened.b.onReceive((_, payload) => first.push(payload));
      const second = listen(opened.b);
      await deliver(opened, pattern(8, 1), second);
      checkEqual(first.length, 0, 'the replaced listener hears nothing');
      cancelFirst();
      await deliver(opened, pattern(8, 2), second); // an old cancel must not take the new listener away
    },
  ],
  [
    'stops calling a cancelled listener',
    async (opened) => {
      const received: Uint8Array[] = [];
      const cancel = opened.b.onReceive((_, payload) => received.push(payload));
      cancel();
      cancel();
      opened.a.send(opened.b.self, pattern(8, 1));
      await pass(opened, 100);
      checkEqual(received.length, 0, 'a cancelled listener hears nothing');
    },
  ],
];

const closingCases: readonly Case<OpenTransports, TransportFeature>[] = [
  [
    'closes within a second, twice if asked',
    async (opened) => {
      let closed = 0;
      void opened.b.close().then(() => closed++);
      void opened.b.close().then(() => closed++);
      await until(opened, () => closed === 2, 'close resolves within a second', 1_000);
    },
  ],
  [
    'is silent once closed',
    async (opened) => {
      const received = listen(opened.b);
      const atA = listen(opened.a);
      await deliver(opened, pattern(8, 1), received);
      const heard = received.length;
      let closed = false;
      void opened.b.close().then(() => (closed = true));
      opened.a.send(opened.b.self, pattern(8, 2));
      await until(opened, () => closed, 'close resolves', 1_000);
      opened.b.send(opened.a.self, pattern(8, 3));
      await pass(opened, 100);
      checkEqual(received.length, heard, 'nothing is delivered after close');
      checkEqual(atA.length, 0, 'nothing is sent after close');
    },
  ],
  [
    'may be closed by its own listener',
    async (opened) => {
      let heard = 0;
      opened.b.onReceive(() => {
        heard++;
        void opened.b.close();
      });
      for (let count = 0; count < 10; count++) opened.a.send(opened.b.self, pattern(8, count));
      await until(opened, () => heard > 0, 'a datagram arrives');
      await pass(opened, 100);
      checkEqual(heard, 1, 'the listener hears nothing after it closed the transport');
    },
  ],
];
