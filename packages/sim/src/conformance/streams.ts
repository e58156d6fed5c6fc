import type { Address, ByteStream, StreamEnd, StreamHandlers, Streams } from '@grp/core';
import { check, checkBytes, checkEqual, joinBytes, pass, pattern, runSuite, until } from './suite.ts';
import type { Case, Environment, SuiteOptions } from './suite.ts';

/** `reuse`: the writer may change its buffer after `write`. `blackhole`: the environment names a silent address. */
export type StreamsFeature = 'reuse' | 'blackhole';

/** Streams of two nodes for their conformance suite. */
export interface OpenStreams extends Environment {
  /** Two nodes that reach each other. */
  readonly a: Streams;
  readonly b: Streams;
  /** An address that swallows everything, for the feature `blackhole`. */
  readonly blackhole?: Address;
}

type StreamsCase = Case<OpenStreams, StreamsFeature>;

/** Judges an implementation of the `Streams` port. */
export function streamsConformance(options: SuiteOptions<StreamsFeature, OpenStreams>): void {
  runSuite(options, [...openingCases, ...bytesCases, ...endingCases, ...closingCases]);
}

/** One side of a stream, and everything it heard. */
class Side {
  stream: ByteStream | undefined;
  opened = 0;
  ended = 0;
  drained = 0;
  readonly closed: StreamEnd[] = [];
  readonly data: Uint8Array[] = [];
  /** What came after `onClose`: must stay empty. */
  readonly late: string[] = [];
  readonly handlers: StreamHandlers;

  constructor(extra: StreamHandlers = {}) {
    const heard = (what: string, count: () => void): void => {
      if (this.closed.length > 0) this.late.push(what);
      count();
    };
    this.handlers = {
      onOpen: () => heard('onOpen', () => (this.opened++, extra.onOpen?.())),
      onData: (bytes) => heard('onData', () => (this.data.push(bytes), extra.onData?.(bytes))),
      onEnd: () => heard('onEnd', () => (this.ended++, extra.onEnd?.())),
      onDrain: () => heard('onDrain', () => (this.drained++, extra.onDrain?.())),
      onClose: (reason) => heard('onClose', () => (this.closed.push(reason), extra.onClose?.(reason))),
    };
  }

  get bytes(): Uint8Array {
    return joinBytes(this.data);
  }

  get size(): number {
    return this.data.reduce((sum, part) => sum + part.length, 0);
  }
}

type Link = { readonly dialler: Side; readonly acceptor: Side };

function dial(from: Streams, to: Address, side: Side = new Side(), timeoutMs = 2_000): Side {
  side.stream = from.dial(to, side.handlers, { timeoutMs });
  checkEqual([side.opened, side.closed.length], [0, 0], 'dial returns before any handler is called');
  return side;
}

function acceptWith(streams: Streams, side: Side): void {
  streams.onAccept((stream) => {
    side.stream = stream;
    return side.handlers;
  });
}

async function connect(opened: OpenStreams, dialler = new Side(), acceptor = new Side()): Promise<Link> {
  acceptWith(opened.b, acceptor);
  dial(opened.a, opened.b.self, dialler);
  await until(
    opened,
    () => dialler.opened > 0 && acceptor.stream !== undefined,
    'a dialled stream opens on both sides',
  );
  return { dialler, acceptor };
}

/** The reason why a side closed; also checks that it closed once and heard nothing afterwards. */
async function closing(opened: OpenStreams, side: Side, withinMs = 5_000): Promise<StreamEnd> {
  await until(opened, () => side.closed.length > 0, 'onClose is called', withinMs);
  await pass(opened, 30);
  checkEqual(side.closed.length, 1, 'onClose is called exactly once');
  checkEqual(side.late, [], 'nothing follows onClose');
  return side.closed[0] as StreamEnd;
}

const openingCases: readonly StreamsCase[] = [
  [
    'dials and accepts',
    async (opened) => {
      const { dialler, acceptor } = await connect(opened);
      await pass(opened, 30);
      checkEqual([dialler.opened, acceptor.opened], [1, 0], 'onOpen is called once, for the dialled side alone');
      checkEqual(dialler.stream?.peer, opened.b.self, 'the dialled stream knows its peer');
      const host = (address: string | undefined): string | undefined => address?.slice(0, address.lastIndexOf(':'));
      checkEqual(host(acceptor.stream?.peer), host(opened.a.self), 'the accepted stream knows the dialler’s host');
    },
  ],
  [
    'sends what was written before it opened, also when it was ended at once',
    async (opened) => {
      const acceptor = new Side();
      acceptWith(opened.b, acceptor);
      const dialler = dial(opened.a, opened.b.self);
      dialler.stream?.write(pattern(100, 1));
      dialler.stream?.write(pattern(200, 2));
      dialler.stream?.end();
      await until(opened, () => acceptor.ended === 1, 'onEnd is called');
      checkBytes(acceptor.bytes, joinBytes([pattern(100, 1), pattern(200, 2)]), 'early writes arrive in order');
    },
  ],
  [
    'is refused where nobody listens',
    async (opened) => {
      const to = opened.b.self;
      await finish(opened, opened.b);
      const dialler = dial(opened.a, to);
      dialler.stream?.write(pattern(10, 1));
      checkEqual(await closing(opened, dialler), 'refused', 'a closed port refuses');
      checkEqual(dialler.opened, 0, 'a refused stream never opens');
    },
  ],
  [
    'is refused or reset by an acceptor that wants it not, and without an acceptor',
    async (opened) => {
      const refusals: readonly StreamEnd[] = ['refused', 'reset'];
      check(refusals.includes(await closing(opened, dial(opened.a, opened.b.self))), 'no acceptor refuses');
      const cancel = opened.b.onAccept(() => undefined);
      check(refusals.includes(await closing(opened, dial(opened.a, opened.b.self))), 'undefined refuses');
      cancel();
      cancel();
    },
  ],
  [
    'has one acceptor: a second replaces the first, and cancelling an old one changes nothing',
    async (opened) => {
      const first = new Side();
      const cancelFirst = opened.b.onAccept((stream) => ((first.stream = stream), first.handlers));
      const second = new Side();
      acceptWith(opened.b, second);
      cancelFirst();
      const dialler = dial(opened.a, opened.b.self);
      await until(opened, () => dialler.opened === 1 && second.stream !== undefined, 'the second acceptor gets it');
      check(first.stream === undefined, 'the first acceptor gets nothing');
    },
  ],
  [
    'gives up dialling a silent address at the timeout',
    async (opened) => {
      const { blackhole } = opened;
      check(blackhole !== undefined, 'the environment names a silent address');
      const dialler = dial(opened.a, blackhole, new Side(), 200);
      await pass(opened, 100);
      checkEqual(dialler.closed, [], 'it waits for the timeout');
      checkEqual(await closing(opened, dialler, 1_000), 'timeout', 'then it says so');
    },
    'blackhole',
  ],
  [
    'dials nonsense without a throw',
    async (opened) => {
      for (const text of ['no address', '', '999.1.1.1:70000', '[::1', '10.0.0.1:']) {
        const reason = await closing(opened, dial(opened.a, text as Address));
        check(
          reason === 'unreachable' || reason === 'refused',
          `${JSON.stringify(text)} is unreachable, not ${reason}`,
        );
      }
    },
  ],
];

const bytesCases: readonly StreamsCase[] = [
  [
    'carries bytes both ways, in order',
    async (opened) => {
      const { dialler, acceptor } = await connect(opened);
      const parts = Array.from({ length: 200 }, (_, index) => pattern(1 + index * 3, index));
      for (const part of parts) {
        dialler.stream?.write(part);
        acceptor.stream?.write(part);
      }
      const whole = joinBytes(parts);
      await until(opened, () => acceptor.size >= whole.length && dialler.size >= whole.length, 'all bytes arrive');
      checkBytes(acceptor.bytes, whole, 'the bytes of the dialler are unaltered');
      checkBytes(dialler.bytes, whole, 'the bytes of the acceptor are unaltered');
    },
  ],
  [
    'keeps streams apart',
    async (opened) => {
      const accepted: Side[] = [];
      opened.b.onAccept((stream) => {
        const side = new Side();
        side.stream = stream;
        accepted.push(side);
        return side.handlers;
      });
      const diallers = [1, 2, 3].map(() => dial(opened.a, opened.b.self));
      for (const [index, side] of diallers.entries()) side.stream?.write(pattern(5_000, index));
      await until(opened, () => accepted.reduce((sum, side) => sum + side.size, 0) >= 15_000, 'all bytes arrive');
      const got = accepted.map((side) => side.bytes.join(',')).toSorted();
      checkEqual(got, [0, 1, 2].map((salt) => pattern(5_000, salt).join(',')).toSorted(), 'each stream has its own');
    },
  ],
  [
    'copies what it writes',
    async (opened) => {
      const { dialler, acceptor } = await connect(opened);
      const buffer = pattern(50, 5);
      dialler.stream?.write(buffer);
      buffer.fill(0);
      await until(opened, () => acceptor.size === 50, 'the bytes arrive');
      checkBytes(acceptor.bytes, pattern(50, 5), 'the bytes are those at the time of write');
    },
    'reuse',
  ],
  [
    'holds the writer back while the reader is paused, within bounds, and loses nothing',
    async (opened) => {
      const { dialler, acceptor } = await connect(opened);
      acceptor.stream?.pause();
      await pass(opened, 30);
      const chunk = pattern(65_536, 6);
      const chunksMax = 512; // 32 MiB: more than any kernel buffers by itself
      let written = 0;
      for (let stuckMs = 0; stuckMs < 300 && written < chunksMax;) {
        const drained = dialler.drained;
        written++;
        if (dialler.stream?.write(chunk) === true) continue;
        for (stuckMs = 0; stuckMs < 300 && dialler.drained === drained; stuckMs += 10) await pass(opened, 10);
      }
      check(written < chunksMax, 'a writer is held back before 32 MiB');
      checkEqual(acceptor.size, 0, 'a paused reader hears nothing');
      const drained = dialler.drained;
      acceptor.stream?.resume();
      await until(opened, () => acceptor.size >= written * chunk.length, 'everything arrives after resume', 20_000);
      await until(opened, () => dialler.drained > drained, 'onDrain is called after a write that returned false');
      checkEqual(acceptor.size, written * chunk.length, 'no byte too many');
      const bytes = acceptor.bytes;
      for (let index = 0; index < written; index++)
        checkBytes(bytes.subarray(index * chunk.length, (index + 1) * chunk.length), chunk, `chunk ${index}`);
    },
  ],
  [
    'never calls a handler during write',
    async (opened) => {
      const { dialler, acceptor } = await connect(opened);
      for (let count = 0; count < 20; count++) {
        const before = [acceptor.data.length, dialler.drained];
        dialler.stream?.write(pattern(100_000, count));
        checkEqual([acceptor.data.length, dialler.drained], before, 'write returns first');
      }
      await until(opened, () => acceptor.size === 2_000_000, 'everything arrives, whatever write returned', 20_000);
    },
  ],
];

const endingCases: readonly StreamsCase[] = [
  [
    'half-closes: the other side may go on writing',
    async (opened) => {
      const { dialler, acceptor } = await connect(opened);
      dialler.stream?.write(pattern(10, 1));
      dialler.stream?.end();
      dialler.stream?.write(pattern(10, 9)); // ignored
      await until(opened, () => acceptor.ended === 1, 'the peer hears onEnd');
      checkBytes(acceptor.bytes, pattern(10, 1), 'nothing after end is sent');
      acceptor.stream?.write(pattern(3_000, 2));
      await until(opened, () => dialler.size === 3_000, 'the other direction still works');
      checkEqual([dialler.closed, acceptor.closed], [[], []], 'a half-closed stream is not closed');
      acceptor.stream?.end();
      checkEqual(await closing(opened, dialler), 'ended', 'both sides ended');
      checkEqual(await closing(opened, acceptor), 'ended', 'both sides ended');
      checkEqual([dialler.ended, acceptor.ended], [1, 1], 'each side hears onEnd once');
      acceptor.stream?.write(pattern(1, 1));
      acceptor.stream?.end();
      acceptor.stream?.abort(); // nothing of this throws
    },
  ],
  [
    'sends all that is queued before the end',
    async (opened) => {
      const { dialler, acceptor } = await connect(opened);
      for (let count = 0; count < 32; count++) dialler.stream?.write(pattern(65_536, count));
      dialler.stream?.end();
      await until(opened, () => acceptor.ended === 1, 'the end comes after the bytes', 20_000);
      checkEqual(acceptor.size, 32 * 65_536, 'all bytes came before it');
    },
  ],
  [
    'aborts: the peer sees a reset',
    async (opened) => {
      const { dialler, acceptor } = await connect(opened);
      dialler.stream?.abort();
      dialler.stream?.abort();
      checkEqual(await closing(opened, dialler), 'aborted', 'the side that aborts hears so');
      checkEqual(await closing(opened, acceptor), 'reset', 'the other side hears of a reset');
    },
  ],
  [
    'aborts before it is open',
    async (opened) => {
      acceptWith(opened.b, new Side());
      const dialler = dial(opened.a, opened.b.self);
      dialler.stream?.abort();
      checkEqual(await closing(opened, dialler), 'aborted', 'an aborted dial says so');
      checkEqual(dialler.opened, 0, 'and never opens');
    },
  ],
  [
    'may be aborted from its own handlers',
    async (opened) => {
      const acceptor: Side = new Side({ onData: () => acceptor.stream?.abort() });
      const { dialler } = await connect(opened, new Side(), acceptor);
      dialler.stream?.write(pattern(10, 1));
      await until(opened, () => acceptor.data.length === 1, 'bytes arrive');
      dialler.stream?.write(pattern(10, 2));
      checkEqual(await closing(opened, acceptor), 'aborted', 'the acceptor aborted');
      checkEqual(await closing(opened, dialler), 'reset', 'the dialler hears it');
      checkEqual(acceptor.data.length, 1, 'no bytes after the abort');
    },
  ],
];

async function finish(opened: OpenStreams, streams: Streams): Promise<void> {
  let closed = 0;
  void streams.close().then(() => closed++);
  void streams.close().then(() => closed++);
  await until(opened, () => closed === 2, 'close resolves within a second, also the second time', 1_000);
}

const closingCases: readonly StreamsCase[] = [
  [
    'close aborts what is open and refuses what comes',
    async (opened) => {
      const { dialler, acceptor } = await connect(opened);
      await finish(opened, opened.b);
      checkEqual(await closing(opened, acceptor), 'aborted', 'the closing side aborts');
      checkEqual(await closing(opened, dialler), 'reset', 'the other side sees a reset');
      checkEqual(await closing(opened, dial(opened.a, opened.b.self)), 'refused', 'a closed port refuses');
    },
  ],
  [
    'dialling after close fails without a throw',
    async (opened) => {
      await finish(opened, opened.a);
      await closing(opened, dial(opened.a, opened.b.self));
    },
  ],
];
