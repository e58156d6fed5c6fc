import { below, pick } from '@grp/core';
import { checkLinearizability, OperationHistory, registerModel, type Operation, type SequentialModel } from '@grp/sim';
import { describe, expect, test } from 'vitest';
import { MaelstromNode, maelstromWorkloads } from '../src/index.ts';
import { MaelstromNetwork, type Answer } from './support/maelstrom-network.ts';

const seconds = (count: number): number => count * 1_000;

/** Clients that ask one thing after the other until a time; what they saw is what a checker judges. */
function clients(
  network: MaelstromNetwork,
  { count, until, begin }: { count: number; until: number; begin: (client: string, done: () => void) => void },
): void {
  const next = (client: string): void => {
    if (network.now >= until) return;
    begin(client, () => void network.at(network.now + below(network.random, 20), () => next(client)));
  };
  for (let number = 1; number <= count; number++) next(`c${number}`);
}

/** An answer as Jepsen reads it: 0 and 13 leave it open, all other errors say that nothing was done. */
function isOpen({ type, code }: Answer): boolean {
  return type === 'error' && (code === 0 || code === 13);
}

describe('the protocol', () => {
  const said: string[] = [];
  const node = new MaelstromNode({
    workload: 'echo',
    clock: { now: () => 0, wallMs: () => 0, wakeAt: () => () => {} },
    random: new MaelstromNetwork({ workload: 'echo', seed: 1, nodeCount: 1 }).random,
    later: () => {},
    send: (line) => said.push(line),
    onFatal: () => {},
  });
  const ask = (body: object, dest = 'n1'): unknown => {
    said.length = 0;
    node.receive(JSON.stringify({ src: 'c1', dest, body }));
    return said[0] === undefined ? undefined : JSON.parse(said[0]).body;
  };

  test('a node is told who it is, and answers by the request', () => {
    expect(ask({ type: 'echo', msg_id: 1, echo: 1 })).toMatchObject({ type: 'error', code: 11, in_reply_to: 1 });
    expect(ask({ type: 'init', msg_id: 2, node_id: 'n1', node_ids: ['n2'] })).toMatchObject({ code: 12 });
    expect(ask({ type: 'init', msg_id: 3, node_id: 'n1', node_ids: ['n1'] })).toEqual({
      type: 'init_ok',
      in_reply_to: 3,
    });
    expect(ask({ type: 'init', msg_id: 4, node_id: 'n1', node_ids: ['n1'] })).toMatchObject({ code: 12 });
    const echo = { deep: [1, 'é', null] };
    expect(ask({ type: 'echo', msg_id: 5, echo })).toEqual({ type: 'echo_ok', in_reply_to: 5, echo });
    expect(ask({ type: 'dance', msg_id: 6 })).toMatchObject({ type: 'error', code: 10, in_reply_to: 6 });
  });

  test('what is no message, or for somebody else, is dropped and counted', () => {
    for (const line of ['', '{', '7', '{"src":"a","dest":"n1"}', '{"src":"a","dest":"n1","body":{"type":5}}'])
      node.receive(line);
    expect(ask({ type: 'echo', msg_id: 7, echo: 1 }, 'n9')).toBeUndefined();
    expect(node.droppedCount).toBe(6);
  });

  test.each(maelstromWorkloads)('%s: requests and messages of any shape are answered or dropped', (workload) => {
    const network = new MaelstromNetwork({ workload, seed: 3, nodeCount: 3 });
    const shapes = [
      undefined,
      null,
      7,
      'x',
      [],
      [[]],
      [['r']],
      [['x', 1, 2]],
      {},
      { n1: 'x' },
      { n1: ['n2', 'n2', 'n7'] },
    ];
    const fields = [
      'key',
      'value',
      'from',
      'to',
      'txn',
      'delta',
      'element',
      'message',
      'topology',
      'sequence',
      'entries',
    ];
    const kinds = ['read', 'write', 'cas', 'txn', 'add', 'broadcast', 'topology', 'generate', 'toString'];
    const bodyOf = (type: string, shape: unknown) => ({
      ...Object.fromEntries(fields.map((field) => [field, shape])),
      ...{ type, bytes: shape, id: shape },
    });
    for (const type of ['gossip', 'gossip_ok', 'raft', 'forward', 'forwarded'])
      for (const shape of shapes) network.ask('n2', bodyOf(type, shape), () => {});
    const silent = kinds.flatMap((type) =>
      shapes.map((shape) => bodyOf(type, shape)).filter((body) => network.askNow('n1', body).type === 'none'),
    );
    expect(silent).toEqual([]);
    network.stop();
  });
});

describe('lin-kv', () => {
  test('errors are those of the standard', () => {
    const network = new MaelstromNetwork({ workload: 'lin-kv', seed: 1, nodeCount: 3 });
    network.run(seconds(2));
    expect(network.askNow('n1', { type: 'read', key: 1 })).toMatchObject({ type: 'error', code: 20 });
    expect(network.askNow('n2', { type: 'cas', key: 1, from: 0, to: 1 })).toMatchObject({ type: 'error', code: 20 });
    expect(network.askNow('n3', { type: 'write', key: 1, value: 3 })).toMatchObject({ type: 'write_ok' });
    expect(network.askNow('n1', { type: 'cas', key: 1, from: 0, to: 1 })).toMatchObject({ type: 'error', code: 22 });
    expect(network.askNow('n2', { type: 'cas', key: 1, from: 3, to: 4 })).toMatchObject({ type: 'cas_ok' });
    expect(network.askNow('n3', { type: 'read', key: 1 })).toMatchObject({ type: 'read_ok', value: 4 });
    network.partition(['n1'], ['n2', 'n3']);
    network.run(seconds(2));
    expect(network.askNow('n1', { type: 'read', key: 1 })).toMatchObject({ type: 'error', code: 11 });
    expect(network.askNow('n1', { type: 'write', key: 1, value: 9 })).toMatchObject({ type: 'error', code: 11 });
    expect(network.askNow('n2', { type: 'read', key: 1 })).toMatchObject({ type: 'read_ok', value: 4 });
    network.stop();
  });

  test.each([1, 2, 3])('is linearizable through partitions and loss (seed %i)', (seed) => {
    const network = new MaelstromNetwork({ workload: 'lin-kv', seed, nodeCount: 5, loss: 0.005, latencyMs: 10 });
    const history = new OperationHistory(() => network.now);
    const until = seconds(40);
    let number = 0;
    network.disturb(2_000, until);
    const begin = (process: string, done: () => void): void => {
      const key = `${below(network.random, 3)}`;
      const f = pick(network.random, ['read', 'write', 'cas']) as 'read' | 'write' | 'cas';
      const value =
        f === 'read'
          ? undefined
          : f === 'write'
            ? ++number
            : [Math.max(1, number - below(network.random, 4)), ++number];
      const [from, to] = Array.isArray(value) ? value : [];
      const operation = history.begin({ process, f, key, value });
      network.ask(pick(network.random, network.names) as string, { type: f, key, value, from, to }, (answer) => {
        if (isOpen(answer)) operation.info();
        else if (answer.type !== 'error') operation.ok(f === 'read' ? answer['value'] : f === 'cas' ? true : undefined);
        else if (answer['code'] === 20 && f === 'read') operation.ok(null);
        else if (f === 'cas' && [20, 22].includes(Number(answer['code']))) operation.ok(false);
        else operation.fail();
        done();
      });
    };
    clients(network, { count: 5, until, begin });
    network.run(until + seconds(10));
    const all = history.all();
    expect(checkLinearizability(all, registerModel)).toMatchObject({ violations: [], undecided: [] });
    // One stale answer would have been noticed.
    const early = all.slice(0, 60);
    const reads = early.filter(({ f, type, out }) => f === 'read' && type === 'ok' && out !== null);
    const last = reads.at(-1);
    const stale = reads.find(({ key, out }) => key === last?.key && out !== last?.out)?.out ?? null;
    const forged = early.map((operation) => (operation === last ? { ...operation, out: stale } : operation));
    expect(checkLinearizability(forged, registerModel).violations).toHaveLength(1);
    expect(all.filter(({ type }) => type === 'ok').length).toBeGreaterThan(300);
    expect(network.askNow('n1', { type: 'write', key: 'last', value: 1 })).toMatchObject({ type: 'write_ok' });
    network.stop();
  });
});

describe('txn-list-append', () => {
  type Step = readonly [string, number, unknown];
  type Lists = Readonly<Record<string, readonly number[]>>;
  /** All keys are one object, so that being linearizable is being strictly serializable. */
  const model: SequentialModel<unknown, Lists> = {
    initial: {},
    step(state, { value, out, type }) {
      const lists: Record<string, readonly number[]> = { ...state };
      for (const [index, [f, key, element]] of (value as readonly Step[]).entries()) {
        const seen = (out as readonly Step[] | null)?.[index]?.[2];
        if (f === 'append') lists[key] = [...(lists[key] ?? []), element as number];
        else if (type === 'ok' && JSON.stringify(seen) !== JSON.stringify(lists[key] ?? null)) return undefined;
      }
      return lists;
    },
    keyOf: (state) => JSON.stringify(Object.entries(state).toSorted(([a], [b]) => Number(a) - Number(b))),
    relevant(operations) {
      const seen = new Set(
        operations.flatMap(
          ({ out }) =>
            (out as readonly Step[] | null)?.flatMap(([, key, list]) =>
              Array.isArray(list) ? list.map((element) => `${key} ${element}`) : [],
            ) ?? [],
        ),
      );
      return operations.filter(
        ({ type, value }) =>
          type === 'ok' ||
          (value as readonly Step[]).some(
            ([f, key, element]) => f === 'append' && seen.has(`${key} ${String(element)}`),
          ),
      );
    },
  };

  function steps(network: MaelstromNetwork, next: () => number): readonly Step[] {
    return Array.from({ length: 1 + below(network.random, 4) }, (): Step => {
      const key = below(network.random, 4);
      return below(network.random, 2) === 0 ? ['r', key, null] : ['append', key, next()];
    });
  }

  test.each([1, 2])('is strictly serializable through partitions and loss (seed %i)', (seed) => {
    const network = new MaelstromNetwork({ workload: 'txn-list-append', seed, nodeCount: 5, loss: 0.005 });
    const history = new OperationHistory(() => network.now);
    const until = seconds(30);
    let number = 0;
    network.disturb(2_000, until);
    const begin = (process: string, done: () => void): void => {
      const txn = steps(network, () => ++number);
      const operation = history.begin({ process, f: 'txn', key: 'all', value: txn });
      network.ask(pick(network.random, network.names) as string, { type: 'txn', txn }, (answer) => {
        if (answer.type === 'txn_ok') operation.ok(answer['txn']);
        else if (isOpen(answer)) operation.info();
        else operation.fail();
        done();
      });
    };
    clients(network, { count: 4, until, begin });
    network.run(until + seconds(10));
    const all: readonly Operation[] = history.all();
    expect(checkLinearizability(all, model)).toMatchObject({ violations: [], undecided: [] });
    // One transaction that does not see the first element of a list would have been noticed.
    const isLong = (list: unknown): list is readonly number[] => Array.isArray(list) && list.length > 1;
    const stepsOf = ({ out }: Operation): readonly Step[] => (out ?? []) as readonly Step[];
    const early = all.slice(0, 40);
    const last = early.findLast((operation) => stepsOf(operation).some(([, , list]) => isLong(list)));
    const forged = early.map((operation) => {
      if (operation !== last) return operation;
      return {
        ...operation,
        out: stepsOf(operation).map(([f, key, list]) => [f, key, isLong(list) ? list.slice(1) : list]),
      };
    });
    expect(checkLinearizability(forged, model).violations).toHaveLength(1);
    expect(all.filter(({ type }) => type === 'ok').length).toBeGreaterThan(100);
    network.stop();
  });
});

describe('gossip', () => {
  /** A chain: what one end says has the longest way. */
  const chainOf = (names: readonly string[]): Record<string, readonly string[]> =>
    Object.fromEntries(
      names.map((name, index) => [name, [names[index - 1], names[index + 1]].filter((one) => one !== undefined)]),
    );

  test.each(['broadcast', 'g-set'] as const)('%s: what was said is everywhere after a partition', (workload) => {
    const network = new MaelstromNetwork({ workload, seed: 5, nodeCount: 5, loss: 0.1 });
    const told = network.names.map((name) =>
      workload === 'broadcast'
        ? network.askNow(name, { type: 'topology', topology: chainOf(network.names) }).type
        : 'topology_ok',
    );
    expect(new Set(told)).toEqual(new Set(['topology_ok']));
    const until = network.now + seconds(10);
    const said: number[] = [];
    network.disturb(1_000, until);
    const begin = (_: string, done: () => void): void => {
      const element = said.push(said.length);
      const body = workload === 'broadcast' ? { type: 'broadcast', message: element } : { type: 'add', element };
      network.ask(pick(network.random, network.names) as string, body, ({ type }) => {
        expect(type).toBe(`${body.type}_ok`);
        done();
      });
    };
    clients(network, { count: 5, until, begin });
    network.run(seconds(20));
    for (const name of network.names) {
      const { type, in_reply_to: _, ...answer } = network.askNow(name, { type: 'read' });
      expect(type).toBe('read_ok');
      // Maelstrom checks answers by a schema that allows nothing else.
      expect(Object.keys(answer)).toEqual([workload === 'broadcast' ? 'messages' : 'value']);
      const [all = []] = Object.values(answer) as (readonly number[])[];
      expect(all.toSorted((a, b) => a - b)).toEqual(said.map((index) => index + 1));
    }
    expect(said.length).toBeGreaterThan(1_000);
    const before = network.messageCount;
    network.run(seconds(10));
    expect(network.messageCount).toBe(before); // nobody has anything left to say
    network.stop();
  });

  test('pn-counter: every node has the sum after a partition', () => {
    const network = new MaelstromNetwork({ workload: 'pn-counter', seed: 6, nodeCount: 5, loss: 0.1 });
    const until = network.now + seconds(10);
    let sum = 0;
    network.disturb(1_000, until);
    const begin = (_: string, done: () => void): void => {
      const delta = below(network.random, 21) - 10;
      sum += delta;
      network.ask(pick(network.random, network.names) as string, { type: 'add', delta }, done);
    };
    clients(network, { count: 5, until, begin });
    network.run(seconds(20));
    for (const name of network.names) expect(network.askNow(name, { type: 'read' })).toMatchObject({ value: sum });
    expect(network.askNow('n1', { type: 'add', delta: 0.5 })).toMatchObject({ type: 'error', code: 12 });
    network.stop();
  });

  test('unique-ids: no id comes twice, whoever is cut off', () => {
    const network = new MaelstromNetwork({ workload: 'unique-ids', seed: 7, nodeCount: 3 });
    network.partition(['n1'], ['n2'], ['n3']);
    const ids = Array.from(
      { length: 300 },
      (_, index) => network.askNow(`n${1 + (index % 3)}`, { type: 'generate' })['id'],
    );
    expect(new Set(ids).size).toBe(300);
    network.stop();
  });
});
