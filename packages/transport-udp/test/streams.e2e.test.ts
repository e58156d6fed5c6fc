import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { parseAddress, systemClock, type ByteStream } from '@grp/core';
import { describe, expect, test } from 'vitest';
import {
  address,
  bytesOf,
  Heard,
  Networks,
  pass,
  silentPeer,
  until,
  hasLoopbackRange,
  noLoopbackRange,
} from './helpers.ts';

function accepting(): { heard: Heard[]; accept: (stream: ByteStream) => Heard } {
  const heard: Heard[] = [];
  return {
    heard,
    accept: (stream) => {
      const side = new Heard();
      side.stream = stream;
      heard.push(side);
      return side;
    },
  };
}

describe('dialling', () => {
  test('gives up on a host that says nothing, at the timeout', async () => {
    await using networks = new Networks();
    const silent = networks.add(await silentPeer('127.0.0.1', { fill: true }));
    const { streams } = await networks.open();
    const heard = new Heard();
    const startedAt = systemClock().now();
    streams.dial(silent.address, heard, { timeoutMs: 200 });
    await until(() => heard.closed !== undefined, 'it ends');
    expect([heard.closed, heard.opened]).toEqual(['timeout', false]);
    expect(systemClock().now() - startedAt).toBeLessThan(1_000);
  });

  test('names what went wrong', async () => {
    await using networks = new Networks();
    const network = await networks.open();
    const { streams } = network;
    const gone = await networks.open();
    await gone.close();
    const outcome = async (to: string): Promise<string | undefined> => {
      const heard = new Heard();
      const stream = streams.dial(address(to), heard, { timeoutMs: 2_000 });
      expect(heard.closed).toBeUndefined(); // never inside the call
      await until(() => heard.closed !== undefined, `${to} ends`);
      expect(stream.write(bytesOf('late'))).toBe(false);
      stream.end();
      stream.pause();
      stream.resume();
      stream.abort();
      return heard.closed;
    };
    expect(await outcome(gone.self)).toBe('refused');
    expect(await outcome('node.example:1')).toBe('unreachable');
    expect(await outcome('127.0.0.1:0')).toBe('unreachable');
    expect(await outcome('[::1]:1')).toBe('unreachable');
    expect(await outcome('203.0.113.1:9')).toBe('unreachable'); // from a loopback address
    await network.close();
    expect(await outcome(gone.self)).toBe('aborted');
  });

  test.skipIf(!hasLoopbackRange)(
    `starts at the bound address, so that allow-lists see it${noLoopbackRange}`,
    async () => {
      await using networks = new Networks();
      const guarded = await networks.open({ allow: ['127.0.0.5/32'] });
      const { heard: accepted, accept } = accepting();
      guarded.streams.onAccept(accept);
      const [friend, stranger] = [await networks.open({ bind: '127.0.0.5:0' }), await networks.open()];
      const [first, second] = [new Heard(), new Heard()];
      friend.streams.dial(guarded.self, first);
      stranger.streams.dial(guarded.self, second);
      await until(() => second.closed !== undefined && accepted.length === 1, 'one is let in, one is not');
      expect([second.closed, first.opened, first.closed]).toEqual(['reset', true, undefined]);
      expect(accepted[0]?.stream?.peer).toMatch(/^127\.0\.0\.5:/);
      expect(guarded.meter.droppedCount('stream.not-allowed')).toBe(1);
    },
  );
});

describe('limits', () => {
  test('incoming streams have a limit, and a place is free again when one ends', async () => {
    await using networks = new Networks();
    const server = await networks.open({ maxStreams: 2 });
    const { heard: accepted, accept } = accepting();
    server.streams.onAccept(accept);
    const client = await networks.open();
    const sides = [new Heard(), new Heard(), new Heard()];
    for (const side of sides.slice(0, 2)) side.stream = client.streams.dial(server.self, side);
    await until(() => accepted.length === 2, 'two are accepted');
    client.streams.dial(server.self, sides[2] as Heard);
    await until(() => sides[2]?.closed === 'reset', 'the third is not');
    expect(server.meter.droppedCount('stream.too-many')).toBe(1);
    sides[0]?.stream?.abort();
    await until(() => accepted[0]?.closed === 'reset', 'one goes');
    client.streams.dial(server.self, new Heard());
    await until(() => accepted.length === 3, 'another may come');
  });

  test.skipIf(!hasLoopbackRange)(`and one host has a limit of its own${noLoopbackRange}`, async () => {
    await using networks = new Networks();
    const server = await networks.open({ maxStreamsPerPeer: 1 });
    const { heard: accepted, accept } = accepting();
    server.streams.onAccept(accept);
    const [one, two] = [await networks.open({ bind: '127.0.0.2:0' }), await networks.open({ bind: '127.0.0.3:0' })];
    one.streams.dial(server.self, new Heard());
    await until(() => accepted.length === 1, 'the first is accepted');
    const greedy = new Heard();
    one.streams.dial(server.self, greedy);
    two.streams.dial(server.self, new Heard());
    await until(() => accepted.length === 2 && greedy.closed === 'reset', 'the other host has room, the first has not');
    expect(server.meter.droppedCount('stream.too-many-per-peer')).toBe(1);
  });

  test('a writer that does not heed `false` is cut off', async () => {
    await using networks = new Networks();
    const [a, b] = [await networks.open({ streamBufferBytesMax: 65_536 }), await networks.open()];
    const { heard: accepted, accept } = accepting();
    b.streams.onAccept((stream) => {
      stream.pause();
      return accept(stream);
    });
    const heard = new Heard();
    const stream = a.streams.dial(b.self, heard);
    await until(() => heard.opened, 'it opens');
    for (let count = 0; count < 500 && heard.closed === undefined; count++) {
      stream.write(new Uint8Array(1_000_000));
      await pass(1);
    }
    expect(heard.closed).toBe('aborted');
    expect(a.meter.droppedCount('stream.write-overflow')).toBe(1);
    expect(accepted[0]?.bytes).toBe(0);
  });

  test('one write may be larger than the buffer', async () => {
    await using networks = new Networks();
    const [a, b] = [await networks.open({ streamBufferBytesMax: 65_536 }), await networks.open()];
    const { heard: accepted, accept } = accepting();
    b.streams.onAccept(accept);
    const heard = new Heard();
    const stream = a.streams.dial(b.self, heard);
    expect(stream.write(new Uint8Array(5_000_000))).toBe(false);
    await until(() => accepted[0]?.bytes === 5_000_000 && heard.drained > 0, 'it arrives whole, and drains');
    expect(a.meter.report().streams.bytesOut).toBe(5_000_000);
    expect(b.meter.report().streams.bytesIn).toBe(5_000_000);
  });
});

describe('peers that misbehave', () => {
  test('a peer that is killed in the middle of a stream ends it, and nothing is thrown', async () => {
    await using networks = new Networks();
    const code = `const s = require('node:net').createServer((c) => c.resume());
      s.listen(0, '127.0.0.1', () => console.log(s.address().port));`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { streams } = await networks.open();
    const heard = new Heard();
    const stream = streams.dial(address(`127.0.0.1:${line.toString().trim()}`), heard);
    await until(() => heard.opened, 'it opens');
    const timer = setInterval(() => stream.write(new Uint8Array(100_000)), 1);
    child.kill('SIGKILL');
    await until(() => heard.closed !== undefined, 'the stream ends');
    clearInterval(timer);
    expect(heard.closed).toBe('reset');
  });

  test('a connection that is reset before anyone looks at it does no harm', async () => {
    await using networks = new Networks();
    const { streams, self } = await networks.open();
    const { heard: accepted, accept } = accepting();
    streams.onAccept(accept);
    for (let count = 0; count < 50; count++) {
      const socket = connect({ port: parseAddress(self).port, host: '127.0.0.1' });
      socket.on('error', () => {});
      socket.once('connect', () => socket.resetAndDestroy());
    }
    await until(() => accepted.every((side) => side.closed !== undefined), 'all are gone');
    const heard = new Heard();
    streams.dial(self, heard);
    await until(() => heard.opened, 'the server still accepts');
    expect(heard.closed).toBeUndefined();
  });

  test('a foreign server that half-closes first gets our answer', async () => {
    await using networks = new Networks();
    const got: string[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('data', (chunk) => got.push(chunk.toString()));
      socket.end('their last word');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { streams } = await networks.open();
    const heard = new Heard();
    const stream = streams.dial(address(`127.0.0.1:${(server.address() as { port: number }).port}`), heard);
    await until(() => heard.ended, 'it says its last word');
    stream.write(bytesOf('ours'));
    stream.end();
    await until(() => heard.closed !== undefined, 'both have ended');
    expect([heard.text, heard.closed, got]).toEqual(['their last word', 'ended', ['ours']]);
    server.close();
  });
});

describe('closing', () => {
  test('takes less than a second with a peer that does not answer', async () => {
    await using networks = new Networks();
    const silent = networks.add(await silentPeer('127.0.0.1', { fill: false }));
    const { streams } = await networks.open();
    const heard = new Heard();
    const stream = streams.dial(silent.address, heard);
    await until(() => heard.opened, 'the host answers, the process does not');
    while (stream.write(new Uint8Array(65_536)));
    const startedAt = systemClock().now();
    await streams.close();
    expect(systemClock().now() - startedAt).toBeLessThan(1_000);
    expect(heard.closed).toBe('aborted');
  });
});

test('bytes that are given arrive, and are free when the stream has no more use for them', async () => {
  await using networks = new Networks();
  const server = await networks.open();
  const client = await networks.open();
  const { heard, accept } = accepting();
  server.streams.onAccept(accept);
  const stream = client.streams.dial(server.self, new Heard());
  let free = 0;
  const large = new Uint8Array(3_000_000);
  for (let count = 0; count < 3; count++) stream.give?.(large, () => void free++);
  await until(() => free === 3 && heard[0]?.bytes === 9_000_000, 'all has come');
  stream.abort();
  expect(stream.give?.(large, () => void free++)).toBe(false);
  await until(() => free === 4, 'it is free at once');
});
