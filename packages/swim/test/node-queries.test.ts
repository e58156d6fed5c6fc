import { describe, expect, test } from 'vitest';
import type { QueryResult } from '../src/index.ts';
import { Cluster, type ClusterOptions } from './support/cluster.ts';

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

function cluster(options: ClusterOptions = {}): Cluster {
  return new Cluster({ count: 3, ...options }).form();
}

describe('queries', () => {
  /** Everyone answers with its own name. */
  function answering(options: ClusterOptions = {}): Cluster {
    const all = cluster(options);
    for (const name of all.names) {
      all.node(name).on((event) => event.type === 'query' && event.respond(bytes(`${name} ${text(event.payload)}`)));
    }
    return all;
  }

  async function answers(all: Cluster, promise: Promise<QueryResult>): Promise<string[]> {
    let result: QueryResult | undefined;
    void promise.then((value) => (result = value));
    await all.world.run(20_000);
    return (result?.responses ?? []).map(({ from, payload }) => `${from}: ${text(payload)}`).toSorted();
  }

  test('collect an answer of everyone, or of those that are meant', async () => {
    const all = answering();
    all.node('n3').setTags({ role: 'db' });
    await all.world.run(2_000);
    const swim = all.node('n1');
    expect(await answers(all, swim.query('who', { payload: bytes('?') }))).toEqual([
      'n1: n1 ?',
      'n2: n2 ?',
      'n3: n3 ?',
    ]);
    expect(await answers(all, swim.query('who', { names: ['n2'] }))).toEqual(['n2: n2 ']);
    expect(await answers(all, swim.query('who', { tags: { role: '^d' } }))).toEqual(['n3: n3 ']);
    expect(await answers(all, swim.query('who', { names: ['nobody'] }))).toEqual([]);
  });

  test('say who saw them, and end at their deadline when somebody keeps still', async () => {
    const all = cluster();
    let result: QueryResult | undefined;
    const startedAt = all.world.now;
    let tookMs = 0;
    void all
      .node('n1')
      .query('who', { acknowledge: true, timeoutMs: 2_500 })
      .then((value) => {
        result = value;
        tookMs = all.world.now - startedAt;
      });
    await all.world.run(5_000);
    expect(result?.responses).toEqual([]);
    expect(result?.acknowledgements.toSorted()).toEqual(['n1', 'n2', 'n3']);
    expect(tookMs).toBe(2_500);
  });

  test('beyond 1,024 bytes are refused, and given up by a signal', async () => {
    const all = cluster();
    const swim = all.node('n1');
    await expect(swim.query('q', { payload: new Uint8Array(1_024) })).rejects.toMatchObject({
      code: 'SWIM_QUERY_TOO_LONG',
      kind: 'usage',
      context: { max: 1_024 },
    });
    await expect(swim.query('q', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    const controller = new AbortController();
    const asked = swim.query('q', { signal: controller.signal, timeoutMs: 60_000 }).catch((error: unknown) => error);
    await all.world.run(500);
    controller.abort(new Error('enough'));
    expect(await asked).toMatchObject({ message: 'enough' });
    await all.world.run(60_000);
    expect(all.faults).toEqual([]);
  });

  test('more than 256 open ones are refused as busy', async () => {
    const all = cluster();
    const swim = all.node('n1');
    const outcomes = await Promise.all(
      Array.from({ length: 257 }, (_, index) => {
        const asked = swim.query(`q${index}`, { timeoutMs: 3_600_000 }).then(
          () => '',
          (error: { code: string }) => error.code,
        );
        return index < 256 ? Promise.resolve('open') : asked;
      }),
    );
    expect(outcomes.at(-1)).toBe('SWIM_BUSY');
    swim.stop();
  });

  test('that find the inbox full are refused as busy, and the overflow is counted', async () => {
    const all = cluster();
    const swim = all.node('n1');
    let asked: Promise<unknown> = Promise.resolve();
    const cancel = swim.on(() => {
      cancel(); // called by the machine's own driver, which takes nothing more before this is over
      for (let count = 0; count < 65_536; count++) swim.hint(swim.self.id);
      asked = swim.query('q').catch((error: unknown) => error);
    });
    swim.sendEvent('e', bytes('x'));
    expect(await asked).toMatchObject({ code: 'SWIM_BUSY', context: { what: 'inputs' } });
    expect(swim.health().dropped).toEqual({ 'inbox-limit': 1 });
    await all.world.run(5_000);
    expect(all.isWhole()).toBe(true);
  });

  test('an answer given twice, too long or too late is no answer', async () => {
    const all = cluster();
    const responders: ((payload: Uint8Array) => void)[] = [];
    all.node('n2').on((event) => {
      if (event.type !== 'query') return;
      event.respond(new Uint8Array(1_100));
      event.respond(bytes('first'));
      event.respond(bytes('second'));
      responders.push((payload) => event.respond(payload));
    });
    expect(await answers(all, all.node('n1').query('q', { names: ['n2'] }))).toEqual(['n2: first']);
    responders[0]?.(bytes('late'));
    all.node('n2').stop();
    responders[0]?.(bytes('stopped'));
    await all.world.run(1_000);
    expect(all.faults).toEqual([]);
  });
});

describe('keys', () => {
  test('without a keyring there are none to manage', async () => {
    const swim = cluster().node('n1');
    const { keys } = swim;
    for (const request of [keys.list(), keys.install(key(1)), keys.use(key(1)), keys.remove(key(1))]) {
      await expect(request).rejects.toMatchObject({ code: 'SWIM_NO_KEYRING', kind: 'usage' });
    }
  });

  test('rotate everywhere without a member lost; what cannot be done is told by member', async () => {
    const all = cluster({ key: key(7) });
    const { keys } = all.node('n1');
    const report = async <Value>(request: Promise<Value>): Promise<Value> => {
      await all.world.run(10_000);
      return request;
    };
    const base64 = (bytesOfKey: Uint8Array): string => Buffer.from(bytesOfKey).toString('base64');
    expect(await report(keys.install(key(8)))).toEqual({ answered: 3, members: 3, keys: {}, errors: {} });
    expect((await report(keys.list())).keys).toEqual({ [base64(key(7))]: 3, [base64(key(8))]: 3 });
    const inUse = 'The primary key cannot be removed.';
    expect((await report(keys.remove(key(7)))).errors).toEqual({ n1: inUse, n2: inUse, n3: inUse });
    await report(keys.use(key(8)));
    expect((await report(keys.remove(key(7)))).errors).toEqual({});
    expect((await report(keys.list())).keys).toEqual({ [base64(key(8))]: 3 });
    await all.world.run(20_000);
    expect(all.isWhole()).toBe(true);
    expect(all.eventsOf('suspect', 'down')).toEqual([]);
    expect((await report(keys.install(new Uint8Array(5)))).errors['n2']).toContain('5');
  });
});
