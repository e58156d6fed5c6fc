// What encoding and decoding cost, in ns per operation: node --conditions=@grp/source bench/codec.ts
import { Keyring, type Address, type Aead } from '@grp/core';
import { gcm } from '@noble/ciphers/aes.js';
import {
  crc32,
  encodeMessage,
  encodeStream,
  openDatagram,
  sealDatagram,
  StreamReader,
  type Message,
  type NodeState,
} from '../src/index.ts';

const address = '10.1.23.45:7946' as Address;
const source = { address: '10.1.200.7:7946' as Address, name: 'node-0007' };
const versions = Uint8Array.of(1, 5, 2, 2, 5, 5);
const meta = Uint8Array.from([
  0xff,
  0x81,
  0xa3,
  0x67,
  0x72,
  0x70,
  0xa8,
  ...Array.from('lz4f9k2a', (c) => c.charCodeAt(0)),
]);

const messages: Readonly<Record<string, Message>> = {
  ping: { type: 'ping', sequence: 70_123, node: 'node-0431', source },
  ack: { type: 'ack', sequence: 70_123, payload: Uint8Array.of(0x67, 1, 2, 3, 4) },
  suspect: { type: 'suspect', incarnation: 1_790_000_000, node: 'node-0431', from: 'node-0007' },
  alive: { type: 'alive', incarnation: 1_790_000_000, node: 'node-0431', address, meta, versions },
  dead: { type: 'dead', incarnation: 1_790_000_000, node: 'node-0431', from: 'node-0007' },
};

const aead: Aead = {
  seal: (key, nonce, plaintext, additional) => gcm(key, nonce, additional).encrypt(plaintext),
  open: (key, nonce, sealed, additional) => gcm(key, nonce, additional).decrypt(sealed),
};
let draw = 1;
const random = { nextU32: () => (draw = (draw * 48_271) % 2_147_483_647), fork: () => random };
const keyring = new Keyring({ aead, random, keys: [new Uint8Array(32).fill(7)] });

/** The best of several rounds: what the code costs when the machine does nothing else. */
function measure(name: string, operations: number, run: () => unknown): number {
  let best = Infinity;
  for (let round = 0; round < 7; round++) {
    const from = process.hrtime.bigint();
    for (let index = 0; index < operations; index++) kept = run();
    best = Math.min(best, Number(process.hrtime.bigint() - from) / operations);
  }
  console.log(`${name.padEnd(44)} ${best.toFixed(0).padStart(9)} ns`);
  return best;
}
let kept: unknown;

let roundTrip = 0;
for (const [name, message] of Object.entries(messages)) {
  const bytes = sealDatagram([encodeMessage(message)], {});
  roundTrip += measure(`encode and seal ${name} (${bytes.length} B)`, 200_000, () =>
    sealDatagram([encodeMessage(message)], {}),
  );
  roundTrip += measure(`open ${name}`, 200_000, () => openDatagram(bytes, {}));
}
const mean = roundTrip / Object.keys(messages).length;
console.log(
  `\nboth ways, mean of the five: ${mean.toFixed(0)} ns; 80,000 a second are ${((mean * 80_000) / 1e7).toFixed(1)} % of a core\n`,
);

const parts = Object.values(messages).map((message) => encodeMessage(message));
for (const options of [{}, { crc: true }, { crc: true, compress: true }, { keyring }]) {
  const bytes = sealDatagram(parts, options);
  const what = `${Object.keys(options).join('+') || 'plain'} compound of five (${bytes.length} B)`;
  measure(`seal ${what}`, 20_000, () => sealDatagram(parts, options));
  measure(`open ${what}`, 20_000, () => openDatagram(bytes, options));
}

const block = new Uint8Array(1_400).fill(3);
measure('crc32 of 1,400 B', 20_000, () => crc32(block));

const nodes: NodeState[] = Array.from({ length: 1_000 }, (_, index) => ({
  name: `node-${index}`,
  address: `10.1.${index >> 8}.${index & 255}:7946` as Address,
  meta,
  incarnation: 1_790_000_000,
  state: 'alive',
  versions,
}));
const exchange = { type: 'push-pull', join: false, nodes, userState: new Uint8Array(600) } as const;
for (const compress of [false, true]) {
  const stream = encodeStream(exchange, { compress });
  const what = `push-pull of 1,000 nodes${compress ? ', compressed' : ''} (${stream.length} B)`;
  measure(`encode ${what}`, 30, () => encodeStream(exchange, { compress }));
  measure(`read ${what}`, 30, () => new StreamReader({}).push(stream));
}
if (kept === undefined) throw new Error('nothing was measured');
