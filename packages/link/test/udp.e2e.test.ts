// Over real sockets: the port's suite, loss, sealing, and a process that dies.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Keyring, systemClock, systemRandom, type Address } from '@grp/core';
import { transportConformance } from '@grp/sim';
import { injectFaults, nodeAead, openNetwork, type FaultSettings, type NetworkOptions } from '@grp/transport-udp';
import { createLinks, sealTransport, type Links, type LinkSettings } from '@grp/link';
import { describe, expect, test } from 'vitest';

interface Options {
  readonly network?: Partial<NetworkOptions>;
  readonly faults?: Partial<FaultSettings>;
  readonly key?: Uint8Array;
  readonly config?: Partial<LinkSettings>;
}

async function open({
  network = {},
  faults,
  key,
  config,
}: Options): Promise<{ links: Links; close: () => Promise<void> }> {
  const [clock, random] = [systemClock(), systemRandom()];
  const bare = await openNetwork({ bind: '127.0.0.1:0', ...network });
  const whole = faults === undefined ? bare : injectFaults(bare, { clock, random, ...faults });
  const keyring = key === undefined ? undefined : new Keyring({ aead: nodeAead(), random, keys: [key] });
  const transport = keyring === undefined ? whole.transport : sealTransport({ transport: whole.transport, keyring });
  const links = createLinks({ transport, clock, random, defer: (run) => void setImmediate(run), config: config ?? {} });
  return { links, close: async () => void (await Promise.all([links.close(), whole.streams.close()])) };
}

const key = new Uint8Array(32).fill(5);
const small = { maxPayloadBytes: 200_000 };

for (const [name, options] of [
  ['bare', { config: { maxPayloadBytes: 2_000_000 } }],
  ['connected', { network: { connect: true }, config: small }],
  ['connected, 60 KB', { network: { connect: true, datagramBytesMax: 60_000 }, config: small }],
  ['sealed', { key, config: small }],
  [
    '30 % loss, doubled, late',
    {
      faults: { loss: 0.3, duplicate: 0.2, delayJitterMs: 3 },
      config: { maxPayloadBytes: 20_000, rtoInitialMs: 20, rtoMinMs: 10, rtoMaxMs: 60 },
    },
  ],
] as const satisfies readonly (readonly [string, Options])[]) {
  transportConformance({
    name: `links over UDP, ${name}`,
    test,
    open: async () => {
      const [a, b] = [await open(options), await open(options)];
      return { a: a.links, b: b.links, close: async () => void (await Promise.all([a.close(), b.close()])) };
    },
  });
}

async function until(condition: () => boolean, what: string, withinMs = 20_000): Promise<void> {
  const endsAt = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > endsAt) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Numbered messages both ways until each side has heard all, in order. */
async function converse(a: Links, b: Links, count: number): Promise<void> {
  const sides = [
    { links: a, to: b.self, sent: 0, heard: 0 },
    { links: b, to: a.self, sent: 0, heard: 0 },
  ];
  for (const side of sides) {
    const fill = (): void => {
      for (; side.sent < count; side.sent++) {
        const message = new Uint8Array(side.sent % 50 === 0 ? 5_000 : 100);
        new DataView(message.buffer).setUint32(0, side.sent);
        if (!side.links.send(side.to, message)) return;
      }
    };
    side.links.onWritable(fill);
    side.links.onReceive((_, message) => {
      const number = new DataView(message.buffer, message.byteOffset).getUint32(0);
      if (number !== side.heard) throw new Error(`heard ${number} instead of ${side.heard}`);
      side.heard++;
    });
    fill();
  }
  await until(() => sides.every(({ heard }) => heard === count), 'both hear everything');
}

describe('a stream of messages both ways', () => {
  test.each([
    ['on loopback', { network: { connect: true } }],
    ['with a queue that fills', { network: { connect: true }, config: { queueBytesMax: 50_000 } }],
    ['sealed, at 5 % loss', { key, faults: { loss: 0.05 } }],
  ] as const)('arrives in order and once, %s', async (_, options) => {
    const [a, b] = [await open(options), await open(options)];
    try {
      await converse(a.links, b.links, 20_000);
      expect(a.links.stats().peers[0]?.resets).toBe(0);
    } finally {
      await Promise.all([a.close(), b.close()]);
    }
  });
});

test('a killed process is refused or silent at once, and its next life begins with a reset', async () => {
  const { links: a, close } = await open({ network: { connect: true } });
  const start = async (bind: string): Promise<{ stop: () => Promise<void>; address: Address }> => {
    const child = fork(fileURLToPath(new URL('./echo-child.ts', import.meta.url)), [bind], {
      execArgv: ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning'],
    });
    const [address] = (await once(child, 'message')) as [Address];
    const stop = async (): Promise<void> => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    };
    return { stop, address };
  };
  const log: string[] = [];
  let echoes = 0;
  a.onReceive(() => void echoes++);
  a.onReset(() => void log.push('reset'));
  a.onTrouble((_, reason) => void log.push(reason));
  const first = await start('127.0.0.1:0');
  for (let count = 1; count <= 8; count++) {
    a.send(first.address, new Uint8Array(10));
    await until(() => echoes === count, 'an echo');
  }
  await first.stop();
  a.send(first.address, new Uint8Array(10));
  await until(() => log.length > 0, 'trouble');
  expect(['refused', process.platform === 'linux' ? 'refused' : 'silent']).toContain(log[0]);
  const second = await start(first.address);
  echoes = 0;
  await until(() => {
    a.send(first.address, new Uint8Array(10));
    return log.includes('reset') && echoes > 0;
  }, 'a reset, and an echo of the next life');
  await second.stop();
  await close();
  expect(log.filter((line) => line === 'reset')).toHaveLength(1);
});
