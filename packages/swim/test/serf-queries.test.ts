import type { Address } from '@grp/core';
import { decodeSerf, encodeFilter, encodeSerf, isMalformed, type SerfMessage } from '@grp/memberlist-wire';
import { describe, expect, test } from 'vitest';
import { queryTimeoutMs } from '../src/serf/asked.ts';
import { responseBytes } from '../src/serf/queries.ts';
import { answerAll, bytes, dropsOf, outputsOf, SerfCluster, text, type TestNode } from './serf-cluster.ts';

type Query = Extract<SerfMessage, { type: 'query' }>;

function query(changes: Partial<Query> = {}): Uint8Array {
  return encodeSerf({
    type: 'query',
    time: 1,
    id: 77,
    source: { address: '10.0.0.1:7946' as Address, name: 'n0' },
    filters: [],
    flags: 0,
    relayCount: 0,
    timeoutMs: 1_000,
    name: 'load',
    payload: bytes('?'),
    ...changes,
  });
}

function response(changes: Partial<Extract<SerfMessage, { type: 'query-response' }>>): Uint8Array {
  const payload = bytes('x');
  return encodeSerf({ type: 'query-response', time: 1, id: 1, from: 'n1', flags: 0, payload, ...changes });
}

function resultOf(node: TestNode, ticket = 1): { acknowledgements: readonly string[]; answers: string[] } | undefined {
  const output = outputsOf(node, 'query-result').find((candidate) => candidate.ticket === ticket);
  if (output === undefined) return undefined;
  const { acknowledgements, responses } = output.result;
  return {
    acknowledgements: acknowledgements.toSorted(),
    answers: responses.map(({ payload }) => text(payload)).toSorted(),
  };
}

/** The query that a node gossiped last. */
function askedBy(node: TestNode): Query {
  const message = decodeSerf(node.gossiped.at(-1)!.body);
  if (isMalformed(message) || message.type !== 'query') throw new Error('no query');
  return message;
}

describe('a query', () => {
  test('is answered by every member, the asker included, and ends when all have answered', () => {
    const cluster = new SerfCluster({ count: 5 });
    answerAll(cluster);
    const asker = cluster.node(0);
    asker.layer.ask(1, 'load', { payload: bytes('now') });
    cluster.run(150);
    expect(resultOf(asker)).toEqual({
      acknowledgements: [],
      answers: ['n0<now', 'n1<now', 'n2<now', 'n3<now', 'n4<now'],
    });
    expect(asker.layer.nextDeadline()).toBeUndefined();
    for (const node of cluster.nodes)
      expect(outputsOf(node, 'query').map(({ name, from }) => [name, from])).toEqual([['load', 'n0']]);
  });

  test('ends at its deadline when somebody is silent', () => {
    const cluster = new SerfCluster({ count: 3 });
    const asker = cluster.node(0);
    asker.layer.ask(1, 'load', {});
    expect(asker.layer.nextDeadline()).toBe(1_000 + 3_200); // 200 ms × 16 × ⌈log10 4⌉
    cluster.run(3_199);
    expect(resultOf(asker)).toBeUndefined();
    cluster.run(1);
    expect(resultOf(asker)).toEqual({ acknowledgements: [], answers: [] });
  });

  test.each([
    [1, 1],
    [9, 1],
    [10, 2],
    [99, 2],
    [100, 3],
    [999, 3],
    [1_000, 4],
  ])('of %i members waits %i × 16 gossip intervals', (members, factor) => {
    expect(queryTimeoutMs(200, members)).toBe(200 * 16 * factor);
  });

  test('with acknowledgements waits for those too', () => {
    const cluster = new SerfCluster({ count: 4 });
    answerAll(cluster);
    const asker = cluster.node(2);
    asker.layer.ask(1, 'load', { acknowledge: true });
    cluster.run(200);
    expect(resultOf(asker)?.acknowledgements).toEqual(['n0', 'n1', 'n2', 'n3']);
    expect(resultOf(asker)?.answers).toHaveLength(4);
  });

  test('that only wants acknowledgements has them at its deadline, from those that the filters mean', () => {
    const cluster = new SerfCluster({ count: 4 });
    const asker = cluster.node(0);
    asker.layer.ask(1, 'load', { acknowledge: true, names: ['n1', 'n3'], timeoutMs: 500 });
    cluster.run(500);
    expect(resultOf(asker)?.acknowledgements).toEqual(['n1', 'n3']);
    expect(outputsOf(asker, 'query')).toEqual([]);
  });

  test('by name and tags goes to those who fit all of it', () => {
    const tags = (name: string): Record<string, string> => ({
      role: name < 'n3' ? 'web' : 'db',
      zone: `z${name.slice(1)}`,
    });
    const cluster = new SerfCluster({ count: 6, tags });
    answerAll(cluster);
    const asker = cluster.node(5);
    asker.layer.ask(1, 'q', { tags: { role: '^web$' } });
    asker.layer.ask(2, 'q', { tags: { role: '^web$', zone: '[02]' } });
    asker.layer.ask(3, 'q', { names: ['n1', 'n4', 'nobody'], tags: { role: 'web' } });
    asker.layer.ask(4, 'q', { tags: { missing: '^$' }, names: ['n2'] });
    cluster.run(200);
    expect(resultOf(asker, 1)?.answers).toEqual(['n0<', 'n1<', 'n2<']);
    expect(resultOf(asker, 2)?.answers).toEqual(['n0<', 'n2<']);
    expect(resultOf(asker, 3)?.answers).toEqual(['n1<']);
    expect(resultOf(asker, 4)?.answers).toEqual(['n2<']);
  });

  test('with a pattern that cannot be read is answered by nobody, counted, and still passed on', () => {
    const cluster = new SerfCluster({ count: 3 });
    answerAll(cluster);
    cluster.node(0).layer.ask(1, 'q', { tags: { role: '(?=x)' }, timeoutMs: 400 });
    cluster.run(400);
    expect(resultOf(cluster.node(0))?.answers).toEqual([]);
    expect(cluster.nodes.map((node) => dropsOf(node)['filter'])).toEqual([1, 1, 1]);
    expect(cluster.node(1).gossiped).toHaveLength(1);
  });

  test('is taken once, however often it comes; another at the same time is another', () => {
    const node = new SerfCluster({ count: 2 }).node(1);
    for (const body of [query(), query(), query({ id: 78 }), query()]) node.layer.receive(body, node.address);
    expect(outputsOf(node, 'query').map(({ queryKey }) => queryKey)).toEqual(['1.77', '1.78']);
    expect(node.gossiped).toHaveLength(2);
  });

  test('that must not be passed on is not', () => {
    const node = new SerfCluster({ count: 2 }).node(1);
    node.layer.receive(query({ flags: 2 }), node.address);
    expect(outputsOf(node, 'query')).toHaveLength(1);
    expect(node.gossiped).toEqual([]);
  });

  test('moves the clock: the next own query comes after it; a push-pull does the same', () => {
    const cluster = new SerfCluster({ count: 3, loss: 1 });
    const [, b, c] = cluster.nodes as [TestNode, TestNode, TestNode];
    b.layer.receive(query({ time: 50 }), b.address);
    cluster.pushPull(c, b);
    b.layer.ask(1, 'q', {});
    c.layer.ask(1, 'q', {});
    expect([askedBy(b).time, askedBy(c).time]).toEqual([51, 51]);
  });
});

describe('an answer', () => {
  test('is given once, and not after the deadline', () => {
    const cluster = new SerfCluster({ count: 2 });
    const [asker, node] = cluster.nodes as [TestNode, TestNode];
    node.layer.receive(query(), asker.address);
    node.layer.receive(query({ id: 78 }), asker.address);
    node.layer.respond('1.77', bytes('first'));
    node.layer.respond('1.77', bytes('second'));
    node.layer.respond('9.99', bytes('never asked'));
    cluster.run(1_001);
    node.layer.respond('1.78', bytes('late'));
    expect(node.sent).toHaveLength(1);
  });

  test('may have 1,024 bytes encoded, and one that is too long may be followed by one that fits', () => {
    const cluster = new SerfCluster({ count: 2 });
    const [asker, node] = cluster.nodes as [TestNode, TestNode];
    node.layer.receive(query(), asker.address);
    const overhead = responseBytes('n1', new Uint8Array(900)) - 900;
    node.layer.respond('1.77', new Uint8Array(1_025 - overhead));
    expect(dropsOf(node)).toEqual({ 'response-too-long': 1 });
    node.layer.respond('1.77', new Uint8Array(1_024 - overhead));
    expect(node.sent).toHaveLength(1);
    expect(node.sent[0]!.body.length).toBeLessThanOrEqual(1_024);
  });

  test('that comes twice, to another query, or too late counts once, not, and not', () => {
    const cluster = new SerfCluster({ count: 3, loss: 1 });
    const asker = cluster.node(0);
    asker.layer.ask(1, 'q', { timeoutMs: 100, names: ['n1', 'n2'] });
    const { time, id } = askedBy(asker);
    const receive = (...bodies: Uint8Array[]): void =>
      bodies.forEach((body) => asker.layer.receive(body, asker.address));
    receive(response({ time, id }), response({ time, id, payload: bytes('y') }), response({ time, id: id + 1 }));
    receive(response({ time, id, flags: 1 }), response({ time, id, flags: 1 }));
    cluster.run(100);
    receive(response({ time, id, from: 'n2' }));
    expect(resultOf(asker)).toEqual({ acknowledgements: ['n1'], answers: ['x'] });
    expect(dropsOf(asker)).toEqual({ 'no-such-query': 2 });
  });

  test('goes to members only, or straight back, so that nobody turns the cluster on a stranger', () => {
    const node = new SerfCluster({ count: 2 }).node(1);
    const source = { address: '203.0.113.9:53' as Address, name: 'n0' };
    node.layer.receive(query({ source, flags: 1 }), node.address);
    expect(node.sent).toEqual([]);
    expect(dropsOf(node)).toEqual({ 'query-source': 1 });
    expect(node.gossiped).toHaveLength(1);
    node.layer.receive(query({ source, flags: 1, id: 78 }), source.address);
    expect(node.sent.map(({ to }) => to)).toEqual([source.address]);
  });
});

describe('relays', () => {
  const lossy = { count: 6, directLoss: (from: string, to: string): boolean => to === 'n0' && from === 'n1' };

  test('bring answers and acknowledgements that the direct way loses', () => {
    const cluster = new SerfCluster(lossy);
    answerAll(cluster);
    const asker = cluster.node(0);
    asker.layer.ask(1, 'q', { acknowledge: true, relayCount: 2 });
    asker.layer.ask(2, 'q', { acknowledge: true, timeoutMs: 1_000 });
    cluster.run(1_000);
    expect(resultOf(asker, 1)?.acknowledgements).toEqual(['n0', 'n1', 'n2', 'n3', 'n4', 'n5']);
    expect(resultOf(asker, 1)?.answers).toHaveLength(6);
    expect(resultOf(asker, 2)?.acknowledgements).toEqual(['n0', 'n2', 'n3', 'n4', 'n5']);
  });

  test('are as many others as wanted, never the asker, and none in a cluster that is too small', () => {
    const cluster = new SerfCluster({ count: 5, loss: 1 });
    const node = cluster.node(1);
    node.layer.receive(query({ relayCount: 3 }), node.address);
    node.layer.respond('1.77', bytes('a'));
    const [direct, ...relayed] = node.sent.map(({ to }) => to);
    expect(direct).toBe('10.0.0.1:7946');
    expect(relayed.toSorted()).toEqual(['10.0.0.3:7946', '10.0.0.4:7946', '10.0.0.5:7946']);
    node.layer.receive(query({ relayCount: 5, id: 78 }), node.address);
    node.layer.respond('1.78', bytes('a'));
    expect(node.sent).toHaveLength(5);
  });

  test('are left out when the wrapped answer is too long', () => {
    const node = new SerfCluster({ count: 5 }).node(1);
    node.layer.receive(query({ relayCount: 3 }), node.address);
    node.layer.respond('1.77', new Uint8Array(1_024 - responseBytes('n1', new Uint8Array(900)) + 900));
    expect(node.sent).toHaveLength(1);
    expect(dropsOf(node)).toEqual({ 'relay-too-long': 1 });
  });

  test('carry answers to members and nothing else', () => {
    const cluster = new SerfCluster({ count: 3, loss: 1 });
    const node = cluster.node(1);
    const relay = (to: string, body: Uint8Array): void =>
      node.layer.receive(encodeSerf({ type: 'relay', to: to as Address, toName: 'n0', body }), node.address);
    relay('10.0.0.1:7946', response({}));
    expect(node.sent).toEqual([{ to: '10.0.0.1:7946', body: response({}) }]);
    relay('203.0.113.9:53', response({}));
    relay('10.0.0.1:7946', query());
    relay('10.0.0.1:7946', new Uint8Array([9, 9, 9]));
    relay('10.0.0.1:7946', response({ payload: new Uint8Array(1_025) }));
    relay('10.0.0.2:7946', response({})); // for this very node
    expect(node.sent).toHaveLength(1);
    expect(dropsOf(node)).toEqual({ 'relay-target': 1, 'relay-content': 3, 'no-such-query': 1 });
  });
});

test('the same seed gives the same run, to the byte', () => {
  const run = (seed: number): string => {
    const cluster = new SerfCluster({ count: 6, loss: 0.3, seed });
    answerAll(cluster);
    for (const [ticket, { layer }] of cluster.nodes.entries()) {
      layer.ask(ticket, 'q', { acknowledge: true, relayCount: 2, payload: bytes(String(ticket)) });
      layer.sendEvent('e', bytes(String(ticket)), false);
      cluster.run(40);
    }
    cluster.run(10_000);
    return JSON.stringify(cluster.nodes.map(({ outputs, gossiped, sent }) => [outputs, gossiped, sent]));
  };
  for (let seed = 0; seed < 10; seed++) expect(run(seed) === run(seed)).toBe(true);
  expect(run(1) === run(2)).toBe(false); // the comparison sees a difference
});

describe('limits of queries', () => {
  test('1,024 bytes encoded are asked, more are refused', () => {
    const node = new SerfCluster({ count: 1 }).node(0);
    node.layer.ask(1, 'q', { payload: new Uint8Array(1_024) });
    const refused = outputsOf(node, 'refused')[0];
    expect(refused).toMatchObject({ ticket: 1, reason: 'query-too-long' });
    node.layer.ask(2, 'q', { payload: new Uint8Array(1_024 - (refused!.bytes - 1_024)) });
    expect(outputsOf(node, 'refused')).toHaveLength(1);
    expect(node.gossiped.at(-1)?.body).toHaveLength(1_024);
  });

  test('256 queries may be open at once', () => {
    const cluster = new SerfCluster({ count: 2 });
    const node = cluster.node(0);
    for (let ticket = 0; ticket < 257; ticket++) node.layer.ask(ticket, 'q', { timeoutMs: 100 });
    expect(outputsOf(node, 'refused')).toMatchObject([{ ticket: 256, reason: 'busy' }]);
    cluster.run(100);
    expect(outputsOf(node, 'query-result')).toHaveLength(256);
    node.layer.ask(300, 'q', { timeoutMs: 100 });
    expect(outputsOf(node, 'refused')).toHaveLength(1);
  });

  test('one lamport time takes 256 queries, and what is out of the window is not taken again', () => {
    const node = new SerfCluster({ count: 2 }).node(1);
    for (let id = 0; id < 257; id++) node.layer.receive(query({ id }), node.address);
    expect(dropsOf(node)).toEqual({ 'queries-limit': 1 });
    node.layer.receive(query({ time: 600 }), node.address);
    node.layer.receive(query({ time: 1, id: 300 }), node.address);
    node.layer.receive(query({ time: 2 ** 53 - 1 }), node.address);
    expect(dropsOf(node)).toEqual({ 'queries-limit': 1, 'query-old': 1, 'time-limit': 1 });
  });

  test('1,024 queries wait for an answer of this node; the oldest gives way, those past their deadline first', () => {
    const cluster = new SerfCluster({ count: 2, loss: 1 });
    const node = cluster.node(1);
    for (let time = 1; time <= 1_024; time++)
      node.layer.receive(query({ time, timeoutMs: time === 7 ? 1 : 60_000 }), node.address);
    cluster.run(10);
    node.layer.receive(query({ time: 1_025 }), node.address);
    expect(dropsOf(node)).toEqual({});
    node.layer.receive(query({ time: 1_026 }), node.address);
    expect(dropsOf(node)).toEqual({ 'answers-limit': 1 });
    node.layer.respond('1.77', bytes('gone'));
    node.layer.respond('2.77', bytes('there'));
    expect(node.sent).toHaveLength(1);
  });

  test('answers to one query are bounded in number and in bytes', () => {
    const node = new SerfCluster({ count: 2, loss: 1 }).node(0);
    node.layer.ask(1, 'q', { timeoutMs: 100 });
    const { time, id } = askedBy(node);
    for (let index = 0; index < 65; index++) {
      node.layer.receive(response({ time, id, from: `f${index}` }), node.address);
      node.layer.receive(response({ time, id, from: `f${index}`, flags: 1 }), node.address);
    }
    expect(dropsOf(node)).toEqual({ 'responses-limit': 2 });
    node.layer.ask(2, 'q', { timeoutMs: 100 });
    const second = askedBy(node);
    for (let index = 0; index < 5; index++) {
      const body = response({ time: second.time, id: second.id, from: `f${index}`, payload: new Uint8Array(16_384) });
      node.layer.receive(body, node.address);
    }
    expect(dropsOf(node)).toEqual({ 'responses-limit': 3 });
  });

  test('more than 16 filters, and patterns that take too long, are not followed', () => {
    const node = new SerfCluster({ count: 2, tags: () => ({ long: 'a'.repeat(400) }) }).node(1);
    const one = encodeFilter({ type: 'nodes', names: ['n1'] });
    node.layer.receive(query({ filters: Array.from({ length: 16 }, () => one) }), node.address);
    node.layer.receive(query({ id: 2, filters: Array.from({ length: 17 }, () => one) }), node.address);
    const slow = encodeFilter({ type: 'tag', tag: 'long', expression: '(a?){200}(a?){200}' });
    node.layer.receive(query({ id: 3, filters: [slow] }), node.address);
    node.layer.receive(
      query({ id: 4, filters: [encodeFilter({ type: 'tag', tag: 'long', expression: 'a+' })] }),
      node.address,
    );
    expect(outputsOf(node, 'query').map(({ queryKey }) => queryKey)).toEqual(['1.77', '1.4']);
    expect(dropsOf(node)).toEqual({ filter: 2 });
  });
});
