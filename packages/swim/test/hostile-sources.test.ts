import { Keyring, type Address } from '@grp/core';
import { encodeMessage, encodeSerf, sealDatagram, type Message, type SerfMessage } from '@grp/memberlist-wire';
import { seededRandom } from '@grp/sim';
import { nodeAead } from '@grp/transport-udp';
import { describe, expect, test } from 'vitest';
import { Cluster, port, type ClusterOptions } from './support/cluster.ts';
import { noise } from './support/mutate.ts';

const key = new Uint8Array(32).fill(7);
const stranger = '203.0.113.9:4000' as Address;
const victim = '203.0.113.66:53' as Address;
const source = { address: victim, name: 'victim' };
const versions = Uint8Array.of(1, 5, 2, 2, 5, 5);
const user = (message: SerfMessage): Message => ({ type: 'user', body: encodeSerf(message) });

const serf: Readonly<Record<SerfMessage['type'], SerfMessage>> = {
  leave: { type: 'leave', time: 50, node: 'n2', prune: true },
  join: { type: 'join', time: 50, node: 'n2' },
  'push-pull': {
    type: 'push-pull',
    time: 1,
    statusTimes: new Map(),
    leftMembers: [],
    eventTime: 1,
    events: [],
    queryTime: 1,
  },
  'user-event': { type: 'user-event', time: 50, name: 'e', payload: noise(seededRandom(1), 300), coalesce: false },
  query: {
    type: 'query',
    time: 50,
    id: 1,
    source,
    filters: [],
    flags: 1,
    relayCount: 5,
    timeoutMs: 60_000,
    name: '_serf_ping',
    payload: new Uint8Array(0),
  },
  'query-response': { type: 'query-response', time: 1, id: 1, from: 'n2', flags: 0, payload: new Uint8Array(10) },
  conflict: {
    type: 'conflict',
    member: { name: 'n2', address: victim, tags: {}, status: 'alive', versions },
  },
  'key-request': { type: 'key-request', key },
  'key-response': { type: 'key-response', result: true, message: '', keys: [] },
  relay: { type: 'relay', to: victim, toName: 'victim', body: noise(seededRandom(1), 20) },
};

/** One of each kind of message there is; a new kind does not compile until it stands here. */
const messages: Readonly<Record<Exclude<Message['type'], 'user'>, Message>> = {
  ping: { type: 'ping', sequence: 0xffff_ffff, node: 'n1', source },
  'indirect-ping': { type: 'indirect-ping', sequence: 1, node: 'victim', target: victim, nack: true, source },
  ack: { type: 'ack', sequence: 1, payload: new Uint8Array(0) },
  nack: { type: 'nack', sequence: 1 },
  suspect: { type: 'suspect', node: 'n1', incarnation: 2_000_000_000, from: 'n2' },
  alive: { type: 'alive', node: 'new', incarnation: 1, address: victim, meta: new Uint8Array(0), versions },
  dead: { type: 'dead', node: 'n2', incarnation: 2_000_000_000, from: 'n3' },
};

const all: [string, Message][] = [
  ...Object.entries(messages),
  ['ping without a name', { type: 'ping', sequence: 1, node: '', source: undefined }],
  [
    'indirect-ping of a member',
    { type: 'indirect-ping', sequence: 1, node: 'n2', target: '10.0.0.2:7946' as Address, nack: true, source },
  ],
  ...Object.entries(serf).map(([name, message]): [string, Message] => [`serf ${name}`, user(message)]),
];

function quietCluster(options: ClusterOptions = {}): Cluster {
  const cluster = new Cluster({ count: 3, seed: 5, ...options }).form();
  cluster.world.runFor(5_000);
  cluster.sent.length = 0;
  return cluster;
}

/** Bytes that n1 sends to the sender because of this datagram; fails when anything goes to the victim. */
function answerBytes(cluster: Cluster, datagram: Uint8Array): number {
  cluster.sent.length = 0;
  cluster.inject('n1', stranger, datagram);
  const atOnce = cluster.sent.filter(({ from }) => from === 'n1');
  expect(atOnce.filter(({ to }) => to !== stranger)).toEqual([]);
  cluster.world.runFor(5_000);
  expect(cluster.sent.filter(({ to }) => to === victim)).toEqual([]);
  const back = cluster.sent.filter(({ to }) => to === stranger);
  cluster.sent.length = 0;
  return back.reduce((sum, { payload }) => sum + payload.length, 0);
}

describe('nobody can be flooded by way of a member', () => {
  test.each(all)('%s from an unproven address: no more bytes out than in, and none to a third party', (_, message) => {
    for (const label of [undefined, 'a-label-of-24-characters']) {
      const cluster = quietCluster(label === undefined ? {} : { label });
      const wrapping = label === undefined ? {} : { label };
      const datagram = sealDatagram([encodeMessage(message)], wrapping);
      const bytes = answerBytes(cluster, datagram);
      expect(bytes).toBeLessThanOrEqual(message.type === 'ping' ? datagram.length : 0);
      expect(cluster.eventsOf('join', 'down', 'leave').slice(6)).toEqual([]);
    }
  });

  test('a ping of our own size is answered, so that whoever has not joined yet can be probed', () => {
    const ping = encodeMessage({
      type: 'ping',
      sequence: 1,
      node: 'n1',
      source: { address: stranger, name: 'someone' },
    });
    expect(answerBytes(quietCluster(), ping)).toBeGreaterThan(10);
  });

  test('many pings in one datagram get one answer, and a shorter one than they were', () => {
    const ping = encodeMessage({ type: 'ping', sequence: 1, node: '', source: undefined });
    for (const compress of [false, true]) {
      const datagram = sealDatagram(
        Array.from({ length: 200 }, () => ping),
        { compress },
      );
      const cluster = quietCluster();
      expect(answerBytes(cluster, datagram)).toBeLessThan(40);
      expect(cluster.drops('n1')['unproven-address']).toBe(199);
    }
  });

  test('what a member said, replayed from elsewhere with the seal intact, is answered with less too', () => {
    const cluster = new Cluster({ count: 3, seed: 6, key }).form();
    cluster.world.runFor(5_000);
    const recorded = cluster.sent.filter(({ to }) => to === cluster.address('n1')).map(({ payload }) => payload);
    expect(recorded.length).toBeGreaterThan(15);
    for (const datagram of recorded) expect(answerBytes(cluster, datagram)).toBeLessThanOrEqual(datagram.length);
  });
});

describe('without a key', () => {
  const drop = (from: Address, message: Message): Record<string, number> => {
    const cluster = quietCluster();
    cluster.node('n1').resetBandwidth();
    cluster.inject('n1', from, encodeMessage(message));
    return cluster.drops('n1');
  };
  const [n1, n2] = ['10.0.0.1', '10.0.0.2'].map((ip) => `${ip}:${port}` as Address) as [Address, Address];

  test('an ack or a nack with an unknown sequence is dropped and counted', () => {
    expect(drop(n2, messages.ack)).toEqual({ 'unknown-sequence': 1 });
    expect(drop(n2, messages.nack)).toEqual({ 'unknown-sequence': 1 });
  });

  test.each(all.filter(([, { type }]) => type !== 'ping'))(
    '%s from no member’s address is dropped and counted',
    (_, message) => {
      expect(drop(stranger, message)).toEqual({ 'unknown-source': 1 });
      // The right host is not enough: a member is where it says, port and all.
      expect(drop('10.0.0.2:7947' as Address, message)).toEqual({ 'unknown-source': 1 });
    },
  );

  test('an ack for a probe under way counts only from the address that was probed', () => {
    const cluster = quietCluster({ config: { relayCount: 0, streamProbe: false } });
    cluster.world.network.cut({ from: 'n2', to: 'n1' }); // n2 hears, and its answers are lost
    cluster.node('n1').hint(cluster.node('n2').self.id);
    const [ping] = cluster.sent.filter(({ from, to }) => from === 'n1' && to === n2).map(({ payload }) => payload);
    const at = 1 + (ping as Uint8Array).indexOf(0xce, 8); // SeqNo, a u32
    const sequence = new DataView((ping as Uint8Array).buffer).getUint32(at);
    cluster.node('n1').resetBandwidth();
    const forged = encodeMessage({ type: 'ack', sequence, payload: new Uint8Array(0) });
    cluster.inject('n1', cluster.address('n3'), forged);
    expect(cluster.drops('n1')).toEqual({ source: 1 });
    cluster.inject('n1', n2, forged); // so the sequence was right
    expect(cluster.drops('n1')).toEqual({ source: 1 });
    cluster.inject('n1', n2, forged); // and is used up
    expect(cluster.drops('n1')).toEqual({ source: 1, 'unknown-sequence': 1 });
    expect(n1).toBe(cluster.address('n1'));
  });
});

describe('what belongs to another cluster is dropped, and the counter says why', () => {
  const ring = (fill: number): Keyring =>
    new Keyring({ aead: nodeAead(), random: seededRandom(fill), keys: [new Uint8Array(32).fill(fill)] });
  const part = encodeMessage(messages.suspect);

  test.each([
    ['sealed with another key', { key }, sealDatagram([part], { keyring: ring(8) }), 'decrypt'],
    ['sealed and altered', { key }, altered(sealDatagram([part], { keyring: ring(7) })), 'decrypt'],
    ['plaintext in a sealed cluster', { key }, part, 'plaintext'],
    ['another label', { label: 'blue' }, sealDatagram([part], { label: 'red' }), 'label'],
    ['no label', { label: 'blue' }, part, 'label'],
    ['a label where there is none', {}, sealDatagram([part], { label: 'red' }), 'label'],
    [
      'the right key under another label',
      { key, label: 'blue' },
      sealDatagram([part], { keyring: ring(7), label: 'red' }),
      'label',
    ],
    [
      'the right key and the label taken off',
      { key },
      sealDatagram([part], { keyring: ring(7), label: 'x' }).subarray(3),
      'decrypt',
    ],
  ])('%s', (_, options, datagram, reason) => {
    const cluster = quietCluster(options);
    cluster.node('n1').resetBandwidth();
    cluster.inject('n1', cluster.address('n2'), datagram);
    expect(cluster.drops('n1')).toEqual({ [reason]: 1 });
  });

  test('sealed bytes in a cluster without a key', () => {
    const cluster = quietCluster();
    cluster.node('n1').resetBandwidth();
    for (let count = 0; count < 50; count++) {
      cluster.inject('n1', cluster.address('n2'), sealDatagram([part], { keyring: ring(7 + count) }));
    }
    expect(cluster.drops('n1')['sealed']).toBeGreaterThan(40); // now and then a nonce looks like an indirect ping
  });

  test.each([
    ['keys', { key }, { key: new Uint8Array(32).fill(8) }, 'stream: decrypt'],
    ['a key and none', { key }, {}, 'stream: plaintext'],
    ['none and a key', {}, { key }, 'stream: sealed'],
    ['labels', { label: 'blue' }, { label: 'red' }, 'stream: label'],
  ])('members with different %s never join, and both hear why not', async (_, ours, theirs, reason) => {
    const cluster = quietCluster(ours);
    const other = new Cluster({ count: 1, ...theirs });
    // Two clusters in one world: the odd one speaks through the first one's network.
    cluster.world.addNode('odd', (host) => other.startOn(host));
    const failure = cluster
      .node('odd')
      .join([cluster.address('n1')])
      .catch((error: unknown) => error);
    await cluster.world.run(15_000);
    expect(await failure).toMatchObject({ code: 'SWIM_JOIN_FAILED', hint: expect.stringContaining('key and label') });
    expect(cluster.drops('n1')[reason]).toBe(1);
    expect(cluster.node('n1').members()).toHaveLength(3);
  });
});

function altered(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[20] = (copy[20] as number) ^ 1;
  return copy;
}
