import type { Address } from '@grp/core';
import * as fc from 'fast-check';
import type { Endpoint, Message, NodeState, SerfMessage, StreamMessage } from '../src/index.ts';

export const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
export const lamport = fc.oneof(u32, fc.maxSafeNat());
const port = fc.integer({ min: 1, max: 65_535 });
export const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ minLength: 60_000, maxLength: 60_100, size: 'max' }),
);
export const shortBytes = fc.uint8Array({ maxLength: 300, size: 'max' });
export const text = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 20 }) },
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ minLength: 30, maxLength: 300, size: 'max' }),
  fc.constantFrom('__proto__', 'constructor', '\uFEFFmark', ''),
);
export const name = text.filter((value) => value !== '');

const ipv4 = fc.tuple(fc.ipV4(), port).map(([host, number]) => `${host}:${number}` as Address);
// As RFC 5952 writes them, so that the text comes back.
const ipv6 = fc
  .tuple(
    fc.constantFrom(
      '::1',
      '::',
      '2001:db8::1',
      'fe80::1:2:3:4',
      '1:2:3:4:5:6:7:8',
      '1:0:0:2::3',
      '64:ff9b::102:304',
      'ffff::',
    ),
    port,
  )
  .map(([host, number]) => `[${host}]:${number}` as Address);
export const address = fc.oneof({ weight: 3, arbitrary: ipv4 }, ipv6);

const endpoint: fc.Arbitrary<Endpoint> = fc.record({ address, name: text });
const source = fc.option(endpoint, { nil: undefined });
const versions = fc.oneof(fc.uint8Array({ minLength: 6, maxLength: 6 }), fc.constant(new Uint8Array(0)));

const ping = fc.record({ type: fc.constant('ping' as const), sequence: u32, node: text, source });
const ack = fc.record({ type: fc.constant('ack' as const), sequence: u32, payload: shortBytes });
const user = fc.record({ type: fc.constant('user' as const), body: shortBytes });

export const message: fc.Arbitrary<Message> = fc.oneof(
  ping,
  fc.record({
    type: fc.constant('indirect-ping' as const),
    sequence: u32,
    target: address,
    node: text,
    nack: fc.boolean(),
    source,
  }),
  ack,
  fc.record({ type: fc.constant('nack' as const), sequence: u32 }),
  fc.record({ type: fc.constantFrom('suspect' as const, 'dead' as const), incarnation: u32, node: name, from: text }),
  fc.record({
    type: fc.constant('alive' as const),
    incarnation: u32,
    node: name,
    address,
    meta: shortBytes,
    versions,
  }),
  user,
);

const nodeState: fc.Arbitrary<NodeState> = fc.record({
  name,
  address,
  meta: shortBytes,
  incarnation: u32,
  state: fc.constantFrom('alive', 'suspect', 'dead', 'left'),
  versions,
});

export const streamMessage: fc.Arbitrary<StreamMessage> = fc.oneof(
  ping,
  ack,
  fc.record({ type: fc.constant('user' as const), body: bytes }),
  fc.record({
    type: fc.constant('push-pull' as const),
    join: fc.boolean(),
    nodes: fc.array(nodeState, { maxLength: 20 }),
    userState: bytes,
  }),
  fc.record({ type: fc.constant('error' as const), message: text }),
);

export const tags = fc
  .dictionary(text, text, { maxKeys: 20 })
  .map((record) => Object.assign(Object.create(null) as Record<string, string>, record));

const events = fc.record({
  time: lamport,
  events: fc.array(fc.record({ name: text, payload: shortBytes }), { minLength: 1, maxLength: 3 }),
});

const query: fc.Arbitrary<SerfMessage> = fc.record({
  type: fc.constant('query' as const),
  time: lamport,
  id: u32,
  source: endpoint,
  filters: fc.array(shortBytes, { maxLength: 4 }),
  flags: u32,
  relayCount: fc.nat(255),
  timeoutMs: fc.nat(1_000_000_000),
  name: text,
  payload: shortBytes,
});

const pushPull: fc.Arbitrary<SerfMessage> = fc.record({
  type: fc.constant('push-pull' as const),
  time: lamport,
  statusTimes: fc.array(fc.tuple(text, lamport), { maxLength: 20 }).map((entries) => new Map(entries)),
  leftMembers: fc.array(text, { maxLength: 20 }),
  eventTime: lamport,
  events: fc.array(events, { maxLength: 5 }),
  queryTime: lamport,
});

const member = fc.record({
  name: text,
  address,
  tags,
  status: fc.constantFrom('none' as const, 'alive' as const, 'leaving' as const, 'left' as const, 'failed' as const),
  versions: fc.uint8Array({ minLength: 6, maxLength: 6 }),
});

const keyResponse: fc.Arbitrary<SerfMessage> = fc
  .tuple(fc.boolean(), text, fc.array(text, { maxLength: 20 }), fc.option(text, { nil: undefined }))
  .map(([result, said, keys, primaryKey]) => ({
    type: 'key-response',
    result,
    message: said,
    keys,
    ...(primaryKey === undefined ? {} : { primaryKey }),
  }));

export const serfMessage: fc.Arbitrary<SerfMessage> = fc.oneof(
  fc.record({ type: fc.constant('leave' as const), time: lamport, node: text, prune: fc.boolean() }),
  fc.record({ type: fc.constant('join' as const), time: lamport, node: text }),
  pushPull,
  fc.record({
    type: fc.constant('user-event' as const),
    time: lamport,
    name: text,
    payload: shortBytes,
    coalesce: fc.boolean(),
  }),
  query,
  fc.record({
    type: fc.constant('query-response' as const),
    time: lamport,
    id: u32,
    from: text,
    flags: u32,
    payload: shortBytes,
  }),
  fc.record({ type: fc.constant('conflict' as const), member: fc.option(member, { nil: undefined }) }),
  fc.record({ type: fc.constant('key-request' as const), key: shortBytes }),
  keyResponse,
  fc.record({ type: fc.constant('relay' as const), to: address, toName: text, body: shortBytes }),
);
