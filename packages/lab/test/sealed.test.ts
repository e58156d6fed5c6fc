import { gcm } from '@noble/ciphers/aes.js';
import { Keyring, type Aead } from '@grp/core';
import type { Host } from '@grp/sim';
import { expect, test } from 'vitest';
import { chaosRun, createSwimCluster, killRun, liveNames } from '../src/index.ts';

const aead: Aead = {
  seal: (key, nonce, plaintext, additional) => gcm(key, nonce, additional).encrypt(plaintext),
  open(key, nonce, sealed, additional) {
    try {
      return gcm(key, nonce, additional).decrypt(sealed);
    } catch {
      return undefined;
    }
  },
};

function keyring(fill: number): (host: Host) => Keyring {
  return ({ random }) => new Keyring({ aead, random: random.fork('nonces'), keys: [new Uint8Array(32).fill(fill)] });
}

test('a sealed cluster notices kills under loss', () => {
  const run = { seed: 1, nodeCount: 5, network: { loss: 0.1 }, keyring: keyring(1), kills: 3 };
  const report = killRun(run);
  expect(report.violations).toEqual([]);
  expect(report.figures['kills']).toBe(3);
  expect(killRun(run).traceHash).toBe(report.traceHash);
  expect(killRun({ ...run, keyring: keyring(2) }).traceHash).not.toBe(report.traceHash);
});

test('chaos does it no harm', () => {
  for (let seed = 1; seed <= 3; seed++) {
    expect(chaosRun({ seed, nodeCount: 5, keyring: keyring(1), durationMs: 15_000 }).violations).toEqual([]);
  }
});

test('whoever has another key is in no list, and what it sends is counted', () => {
  const [right, wrong] = [keyring(1), keyring(2)];
  const world = createSwimCluster({
    seed: 1,
    nodeCount: 4,
    keyring: (host) => (host.name === 'n4' ? wrong : right)(host),
  });
  world.runFor(30_000);
  for (const name of ['n1', 'n2', 'n3']) expect(liveNames(world.node(name))).toEqual(['n1', 'n2', 'n3']);
  expect(liveNames(world.node('n4'))).toEqual(['n4']);
  const drops = ['n1', 'n2', 'n3', 'n4'].map((name) =>
    Object.values(world.node(name).health().dropped).reduce((a, b) => a + b, 0),
  );
  expect(drops.reduce((a, b) => a + b, 0)).toBeGreaterThan(0);
});
