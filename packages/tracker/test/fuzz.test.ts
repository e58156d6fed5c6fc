import { fraction, pick, type Address, type Random } from '@grp/core';
import { seededRandom } from '@grp/sim';
import { expect, test } from 'vitest';
import { trackerClientConfig, trackerConfig } from '../src/index.ts';
import { ClientMachine } from '../src/client/machine.ts';
import { TrackerMachine } from '../src/server/machine.ts';
import { decodeCommand, decodeReply } from '../src/wire/decode.ts';
import { LineReader } from '../src/wire/lines.ts';
import { commandShapes, noticeShapes } from '../src/wire/messages.ts';
import { helloDomain, welcomeDomain } from '../src/domains.ts';
import { fromBase64, statement, toBase64 } from '../src/encoding.ts';
import { crypto, signerOf } from './support/world.ts';

const utf8 = new TextEncoder();
const address = '10.0.0.9:1' as Address;

/** Any JSON value, sometimes one that a field could take. */
function anyValue(random: Random, depth = 0): unknown {
  const kind = Math.floor(fraction(random) * (depth > 3 ? 9 : 12));
  switch (kind) {
    case 0:
      return null;
    case 1:
      return fraction(random) < 0.5;
    case 2:
      return Math.floor(fraction(random) * 1e6);
    case 3:
      return pick(random, [1e308, -1, 0.5, 2 ** 53, -0, 1e-300]);
    case 4:
      return pick(random, [
        'tea',
        'ann',
        'bob',
        '',
        '__proto__',
        'constructor',
        'сосо',
        '\u001b[2J',
        '\ud800',
        'a'.repeat(300),
      ]);
    case 5:
      return 'A'.repeat(pick(random, [43, 86, 22, 12]) ?? 0);
    case 6:
      return pick(random, ['open', 'key', 'invite', 'allow', 'fifo', 'total', 'owner', 'voice']);
    case 7:
      return pick(random, ['10.0.0.9:1', '[::1]:2', '8.8.8.8:53', ':::', 'host:0']);
    case 8:
      return random.nextU32();
    case 9:
      return Array.from({ length: Math.floor(fraction(random) * 4) }, () => anyValue(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: Math.floor(fraction(random) * 4) }, () => [
          pick(random, ['group', 'nick', '__proto__', 'member', 'signatures']) ?? '',
          anyValue(random, depth + 1),
        ]),
      );
  }
}

/** A line for one side: a known word with random fields, sometimes mangled into bytes that are no line. */
function anyLine(random: Random, word: string, names: Readonly<Record<string, object>>, id: number): Uint8Array {
  const name = pick(random, Object.keys(names)) ?? '';
  const line: Record<string, unknown> = { v: fraction(random) < 0.97 ? 1 : anyValue(random), id, [word]: name };
  for (const field of Object.keys(names[name] ?? {})) if (fraction(random) < 0.9) line[field] = anyValue(random);
  if (fraction(random) < 0.1) line['re'] = anyValue(random);
  if (fraction(random) < 0.1) line['n'] = anyValue(random);
  if (fraction(random) < 0.05) line['error'] = anyValue(random);
  const bytes = utf8.encode(JSON.stringify(line));
  if (fraction(random) < 0.2) {
    for (let times = 0; times < 3; times++) bytes[random.nextU32() % bytes.length] = random.nextU32() & 255;
  }
  return bytes;
}

test('20,000 hostile lines from registered clients never throw, and nothing grows without bound', () => {
  const random = seededRandom('fuzz-server');
  const config = trackerConfig.resolve({
    ...{ groupsMax: 20, listedMax: 10, groupsPerSessionMax: 8, changesPerSecond: 10_000, changesBurst: 10_000 },
    ...{ joinsPerSecond: 10_000, hellosPerSecond: 10_000, groupsPerHostPerHour: 100_000, sessionsMax: 50 },
  });
  const machine = new TrackerMachine({
    ...{
      config,
      crypto,
      signer: signerOf('tracker'),
      random: random.fork('machine'),
      wallMs: (at: number) => 1e12 + at,
      now: 0,
    },
  });
  let [now, record, sent] = [0, 0, 0];
  let nonces = new Map<number, string>();
  const step = (inputs: Parameters<TrackerMachine['step']>[0]): void => {
    for (const effect of machine.step(inputs, now)) {
      if (effect.type === 'persist') record = effect.record;
      if (effect.type !== 'send') continue;
      sent++;
      expect(utf8.encode(effect.line).length).toBeLessThanOrEqual(8_192);
      const line = JSON.parse(effect.line) as { readonly on?: string; readonly nonce?: string };
      if (line.on === 'greeting') nonces.set(effect.connection, line.nonce ?? '');
    }
    if (record > 0) for (const _ of machine.step([{ type: 'durable', record }], now)) sent++;
  };
  const key = signerOf('tracker').publicKey;
  const open = (connection: number): void => {
    step([{ type: 'open', connection, peer: address }]);
    const signer = signerOf(`fuzz ${connection % 40}`);
    const nick = `fuzz${connection % 40}`;
    const nonce = fromBase64(nonces.get(connection) ?? '') ?? new Uint8Array(0);
    const proof = toBase64(signer.sign(statement(helloDomain, [key, nonce, nick, address])));
    const hello = { v: 1, id: 1, do: 'hello', nick, key: toBase64(signer.publicKey), address, proof };
    step([{ type: 'line', connection, decoded: decodeCommand(utf8.encode(JSON.stringify(hello))) }]);
    const join = { v: 1, id: 2, do: 'join', group: 'tea', create: true };
    step([{ type: 'line', connection, decoded: decodeCommand(utf8.encode(JSON.stringify(join))) }]);
  };
  for (let connection = 0; connection < 20; connection++) open(connection);
  for (let round = 0, next = 20; round < 20_000; round++) {
    now += 1;
    const connection = next - 1 - (random.nextU32() % 20);
    const bytes = anyLine(random, 'do', commandShapes, round + 10);
    step([{ type: 'line', connection, decoded: decodeCommand(bytes) }]);
    if (round % 500 === 499) {
      step([{ type: 'closed', connection: next - 20 }]);
      nonces = new Map();
      open(next++);
    }
  }
  const health = machine.health();
  expect(sent).toBeGreaterThan(20_000);
  expect(health.sessions.here + health.sessions.lost).toBeLessThanOrEqual(50);
  expect(health.groups).toBeLessThanOrEqual(20);
  expect(health.connections).toBe(20);
  expect(Object.keys(health.refused).length).toBeGreaterThan(8);
});

test('20,000 hostile lines from a tracker never throw in its client', () => {
  const random = seededRandom('fuzz-client');
  const machine = new ClientMachine({
    ...{ tracker: address, nick: 'ann', address, signer: signerOf('ann'), crypto, random: random.fork('machine') },
    config: trackerClientConfig.resolve(),
  });
  let [now, connection, readyCount] = [0, 0, 0];
  const tracker = signerOf('tracker');
  const nonce = new Uint8Array(32);
  const greetings: number[] = [];
  const welcomes: [connection: number, id: number][] = [];
  const step = (inputs: Parameters<ClientMachine['step']>[0]): void => {
    for (const effect of machine.step(inputs, now)) {
      if (effect.type === 'dial') {
        connection = effect.connection;
        greetings.push(connection);
      }
      if (effect.type !== 'write') continue;
      const { id, do: word } = JSON.parse(effect.line) as { readonly id: number; readonly do: string };
      if (word === 'hello' || word === 'resume') welcomes.push([effect.connection, id]);
    }
  };
  /** Now and then the real tracker gets a word in, so that the rest falls on a client that is ready. */
  const beGenuine = (): void => {
    for (const greeted of greetings.splice(0)) {
      const greeting = {
        v: 1,
        on: 'greeting',
        nonce: toBase64(nonce),
        key: toBase64(tracker.publicKey),
        beatMs: 2_000,
        motd: '',
      };
      step([{ type: 'line', connection: greeted, decoded: decodeReply(utf8.encode(JSON.stringify(greeting))) }]);
    }
    for (const [welcomed, re] of welcomes.splice(0)) {
      const proof = toBase64(tracker.sign(statement(welcomeDomain, [nonce, signerOf('ann').publicKey, 'me'])));
      const token = toBase64(nonce);
      const welcome = { v: 1, re, session: 'me', nick: 'ann', observed: address, wallMs: 1e12, proof, token, n: 1 };
      step([{ type: 'line', connection: welcomed, decoded: decodeReply(utf8.encode(JSON.stringify(welcome))) }]);
      readyCount++;
    }
  };
  step([{ type: 'start' }]);
  beGenuine();
  step([{ type: 'request', ticket: 1, command: { do: 'join', group: 'tea' }, timeoutMs: 1e9 }]);
  for (let round = 0; round < 20_000; round++) {
    now += 50;
    const decoded = decodeReply(anyLine(random, 'on', noticeShapes, round));
    step([{ type: 'line', connection, decoded }, { type: 'wake' }]);
    beGenuine();
  }
  expect(readyCount).toBeGreaterThan(10);
  expect(machine.groups.list().length).toBeLessThanOrEqual(1);
});

test('20,000 random chunks: the reader cuts the same lines however they arrive, and holds no more than a line', () => {
  const random = seededRandom('fuzz-lines');
  let whole = '';
  for (let line = 0; line < 3_000; line++) whole += `${'x'.repeat(random.nextU32() % 40)}\n`;
  const bytes = utf8.encode(whole);
  const reader = new LineReader(64);
  const lines: string[] = [];
  let chunks = 0;
  for (let at = 0; at < bytes.length; chunks++) {
    const length = 1 + (random.nextU32() % 6);
    reader.push(bytes.slice(at, at + length));
    at += length;
    for (let line = reader.next(); typeof line === 'object'; line = reader.next())
      lines.push(new TextDecoder().decode(line.bytes));
    expect(reader.heldBytes).toBeLessThanOrEqual(64);
  }
  expect(`${lines.join('\n')}\n`).toBe(whole);
  expect(chunks).toBeGreaterThan(10_000);
  reader.push(new Uint8Array(65).fill(120));
  expect([reader.next(), reader.heldBytes]).toEqual(['too-long', 0]);
  reader.push(bytes);
  expect([reader.next(), reader.heldBytes]).toEqual(['too-long', 0]);
});
