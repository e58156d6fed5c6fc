// The driver around the protocol: listeners, closing, timers, sealing; in virtual time.
import { Keyring, type Address, type Aead } from '@grp/core';
import { createWorld, type World } from '@grp/sim';
import { createLinks, sealTransport, type Links } from '@grp/link';
import { describe, expect, test } from 'vitest';
import { bytesOf, life, port, type Life, type LifeOptions } from './world.ts';

function world(options: LifeOptions = {}, network = {}): World<Life> {
  return createWorld({ seed: 1, nodes: ['a', 'b'], start: life(options), network, trace: { recordMax: 1_000 } });
}

const to = (w: World<Life>, name: string): Address => w.address(name, port);

describe('listeners', () => {
  test('that throw are logged, and the messages after it are delivered', async () => {
    const w = world();
    const heard: string[] = [];
    w.node('b').links.onReceive((_, message) => {
      heard.push(new TextDecoder().decode(message));
      if (heard.length === 1) throw new Error('my own mistake');
    });
    for (const text of ['one', 'two', 'three']) w.node('a').links.send(to(w, 'b'), bytesOf(text));
    await w.run(100);
    expect(heard).toEqual(['one', 'two', 'three']);
    const logged = w.trace().events.filter((event) => event['text'] === 'link.listener-failed');
    expect(logged).toMatchObject([{ reason: 'my own mistake' }]);
  });

  test('may send, forget and close in the middle of a delivery', async () => {
    const w = world();
    const { links } = w.node('b');
    let count = 0;
    links.onReceive((from, message) => {
      count++;
      links.send(from, message);
      if (count === 2) links.forget(from);
      if (count === 3) void links.close();
    });
    for (const text of ['1', '2', '3', '4']) w.node('a').links.send(to(w, 'b'), bytesOf(text));
    await w.run(1_000);
    expect(count).toBe(3);
  });

  test('stop when they are cancelled', async () => {
    const w = world();
    const { links } = w.node('a');
    let count = 0;
    const hear = (): void => void count++;
    const cancels = [links.onReset(hear), links.onWritable(hear), links.onTrouble(hear)];
    for (const cancel of cancels) cancel();
    w.network.partition(['a'], ['b']);
    while (links.send(to(w, 'b'), new Uint8Array(10_000)));
    await w.run(2_000);
    expect(count).toBe(0);
    expect(w.node('a').log.filter((line) => line.endsWith('silent')).length).toBeGreaterThan(0);
  });
});

describe('closing', () => {
  test('brings out what is queued, and the peer hears that it is over', async () => {
    const w = world({}, { loss: 0.2 });
    const { links } = w.node('a');
    for (let index = 0; index < 100; index++) links.send(to(w, 'b'), bytesOf(`${index} ${'x'.repeat(300)}`));
    let isClosed = false;
    void links.close().then(() => (isClosed = true));
    expect(links.send(to(w, 'b'), bytesOf('late'))).toBe(false);
    await w.runUntil(() => isClosed, { withinMs: 1_000 });
    await w.run(50);
    const { log } = w.node('b');
    expect(log.filter((line) => !line.endsWith('reset'))).toHaveLength(100);
  });

  test('is over in time when nobody answers', async () => {
    const w = world();
    w.network.partition(['a'], ['b']);
    w.node('a').links.send(to(w, 'b'), bytesOf('x'));
    let isClosed = false;
    void w
      .node('a')
      .links.close()
      .then(() => (isClosed = true));
    expect(await w.runUntil(() => isClosed, { withinMs: 1_000 })).toBeGreaterThan(400);
  });
});

test('a message that waits for the end of the turn can be sent now', () => {
  const w = world();
  const { links } = w.node('a');
  const before = w.counts().send;
  links.send(to(w, 'b'), bytesOf('x'));
  expect(w.counts().send).toBe(before);
  links.flush();
  expect(w.counts().send).toBe(before + 1);
});

test('16 MiB arrive at 10 % loss, and the memory is given back', async () => {
  const w = world({}, { loss: 0.1 });
  const message = Uint8Array.from({ length: 16_777_216 }, (_, index) => index * 7 + (index >> 9));
  const heard: Uint8Array[] = [];
  w.node('b').links.onReceive((_, arrived) => heard.push(arrived));
  expect(w.node('a').links.send(to(w, 'b'), message)).toBe(true);
  await w.runUntil(() => heard.length > 0, { withinMs: 60_000 });
  expect(Buffer.compare(heard[0] as Uint8Array, message)).toBe(0);
  await w.run(1_000);
  expect(w.node('a').links.stats().peers[0]?.queuedBytes).toBe(0);
});

test('an idle link has no timers', async () => {
  const w = world();
  w.node('a').links.send(to(w, 'b'), bytesOf('x'));
  await w.run(2_000);
  const before = w.counts().timer;
  await w.run(60_000);
  expect(w.counts().timer - before).toBe(0);
});

describe('sealed', () => {
  // An Aead for tests: a keyed sum, so that what was altered or sealed with another key does not open.
  const sum = (key: Uint8Array, nonce: Uint8Array, text: Uint8Array, additional: Uint8Array): number =>
    [...key, ...nonce, ...text, ...additional].reduce((a, b) => (Math.imul(a, 31) + b) | 0, 7);
  const aead: Aead = {
    seal(key, nonce, plaintext, additional) {
      const sealed = new Uint8Array(plaintext.length + 16);
      sealed.set(plaintext);
      new DataView(sealed.buffer).setInt32(plaintext.length, sum(key, nonce, plaintext, additional));
      return sealed;
    },
    open(key, nonce, sealed, additional) {
      const text = sealed.slice(0, -16);
      const tag = new DataView(sealed.buffer, sealed.byteOffset + text.length).getInt32(0);
      return tag === sum(key, nonce, text, additional) ? text : undefined;
    },
  };

  function sealedWorld(keys: Record<string, number>, corruption = 0) {
    const refused: string[] = [];
    const w = createWorld<{ links: Links; heard: string[] }>({
      seed: 3,
      nodes: Object.keys(keys),
      network: { corruption, duplication: 0.3 },
      start: (host) => {
        const { clock, random } = host;
        const key = new Uint8Array(32).fill(keys[host.name] as number);
        const keyring = new Keyring({ aead, random: random.fork('keys'), keys: [key] });
        const transport = sealTransport({
          transport: host.transport(port),
          keyring,
          onUnopened: () => refused.push(host.name),
        });
        const links = createLinks({ transport, clock, random: random.fork('link') });
        const heard: string[] = [];
        links.onReceive((_, message) => heard.push(new TextDecoder().decode(message)));
        return { links, heard };
      },
    });
    return { w, refused };
  }

  test('links carry everything once, and flipped bits are losses', async () => {
    const { w, refused } = sealedWorld({ a: 1, b: 1 }, 0.1);
    const { links } = w.node('a');
    expect(links.frameBytes).toBe(1_400 - 28 - 22);
    const sent = Array.from({ length: 300 }, (_, index) => `${index}`);
    for (const text of sent) {
      links.send(w.address('b', port), bytesOf(text));
      await w.run(1);
    }
    await w.run(5_000);
    expect(w.node('b').heard).toEqual(sent);
    expect(refused.length).toBeGreaterThan(5);
  });

  test('links with another key hear nothing', async () => {
    const { w, refused } = sealedWorld({ a: 1, b: 2 });
    w.node('a').links.send(w.address('b', port), bytesOf('x'));
    await w.run(1_000);
    expect(w.node('b').heard).toEqual([]);
    expect(refused.length).toBeGreaterThan(1);
  });
});
