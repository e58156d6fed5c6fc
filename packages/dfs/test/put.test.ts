import { describe, expect, test } from 'vitest';
import { seededRandom } from '@grp/sim';
import { PutMachine } from '../src/client/put-machine.ts';
import type { PutEffect, PutInput, PutOptions } from '../src/client/put-types.ts';
import { clientConfig } from '../src/config.ts';
import type { FileServer } from '../src/model.ts';
import { blobId, sha256 } from './support.ts';

const config = clientConfig.defaults;

function server(number: number): FileServer {
  return { id: `n${number}`, incarnation: number, address: `h:${number}`, zone: '', freeBytes: 1e12, up: true };
}

const view = { epoch: 5, servers: [1, 2, 3, 4].map(server) };

/** A put under test: gives inputs, keeps all effects. */
class Put {
  readonly machine: PutMachine;
  readonly effects: PutEffect[] = [];
  now = 0;

  constructor(options: Partial<PutOptions> = {}) {
    const common = { name: 'a', requestId: 'r', replicas: 3, replayable: true, reserveBytes: 0, config };
    this.machine = new PutMachine({ ...common, random: seededRandom(1), view, ...options });
    this.give({ type: 'start' });
  }

  give(...inputs: readonly PutInput[]): readonly PutEffect[] {
    const effects = this.machine.step(inputs, this.now);
    this.effects.push(...effects);
    return effects;
  }

  /** Time passes, with every wake-up that is asked for. */
  wait(ms: number): readonly PutEffect[] {
    const effects: PutEffect[] = [];
    const until = this.now + ms;
    for (let at = this.machine.nextDeadline(); at !== undefined && at <= until; at = this.machine.nextDeadline()) {
      this.now = Math.max(this.now, at);
      effects.push(...this.machine.step([{ type: 'wake' } as never], this.now));
    }
    this.now = until;
    this.effects.push(...effects);
    return effects;
  }

  opened(): readonly Extract<PutEffect, { type: 'open-stream' }>[] {
    return this.effects.filter((effect) => effect.type === 'open-stream');
  }

  store(stream: number): readonly PutEffect[] {
    const { to, epoch } = this.opened().find((one) => one.stream === stream) as { to: FileServer; epoch: number };
    return this.give({ type: 'stored', stream, ack: { node: to.id, incarnation: to.incarnation, epoch } });
  }

  end(bytes = 10): readonly PutEffect[] {
    return this.give({ type: 'source', bytes }, { type: 'source-ended', bytes, sha256 });
  }
}

function request(effects: readonly PutEffect[]): Extract<PutEffect, { type: 'request' }> {
  return effects.find((effect) => effect.type === 'request') as Extract<PutEffect, { type: 'request' }>;
}

function typesOf(effects: readonly PutEffect[]): readonly string[] {
  return effects.map(({ type }) => type);
}

describe('a put', () => {
  test('with a view of the servers asks nobody where to put, and commits with the first two acknowledgements', () => {
    const put = new Put();
    expect(put.opened()).toHaveLength(3);
    put.end();
    expect(put.store(1)).toEqual([]);
    const commit = request(put.store(3));
    expect(commit.request).toMatchObject({ kind: 'commit-put', epoch: 5, bytes: 10, sha256, acks: [{}, {}] });
    const committed = { kind: 'committed', version: 9, holders: [], serversChangedAt: 4 } as const;
    expect(put.give({ type: 'reply', call: commit.call, reply: committed })).toMatchObject([
      { type: 'done', version: 9 },
    ]);
    expect(typesOf(put.store(2))).toEqual(['late', 'closed']);
  });

  test('does not wait for a replica that stands still, and gives it up in the end', () => {
    const put = new Put();
    put.end();
    put.store(1);
    const { call } = request(put.store(2));
    expect(put.now).toBe(0);
    put.give({ type: 'reply', call, reply: { kind: 'committed', version: 9, holders: [], serversChangedAt: 4 } });
    expect(typesOf(put.wait(config.lateMs))).toEqual(['close-stream', 'closed']);
  });

  test('reads ahead of the quorum within its window, and closes a replica that holds it up too long', () => {
    const put = new Put();
    const window = config.windowBytes;
    expect(put.effects.at(-1)).toEqual({ type: 'demand', bytes: window });
    const far = config.lagBytesMax;
    put.give(
      { type: 'source', bytes: far },
      { type: 'moved', stream: 1, bytes: far },
      { type: 'moved', stream: 2, bytes: far },
    );
    expect(put.effects.at(-1)).toEqual({ type: 'demand', bytes: far });
    expect(put.wait(config.stallMs - 1)).toEqual([]);
    expect(put.wait(2)).toEqual([
      { type: 'close-stream', stream: 3 },
      { type: 'demand', bytes: far + window },
    ]);
  });

  test('replaces servers that refuse, and one that stands still when the quorum needs it', () => {
    const put = new Put();
    put.end();
    const asked = request(put.give({ type: 'stream-failed', stream: 1, problem: 'unreachable' }));
    expect(asked.request).toMatchObject({ kind: 'open-put', avoid: expect.arrayContaining(['n1']) });
    const reply = { kind: 'placement', blob: blobId(9), epoch: 8, targets: view.servers, writeQuorum: 2 } as const;
    put.give({ type: 'reply', call: asked.call, reply });
    const opened = put.opened();
    expect(opened).toHaveLength(4);
    expect(opened[3]).toMatchObject({ epoch: 8, blob: opened[0]?.blob });
    put.store(4);
    expect(request(put.wait(5 * config.stallMs)).request.kind).toBe('open-put');
  });

  test('that cannot send its bytes again ends with a clear error when two servers fail', () => {
    const put = new Put({ replayable: false });
    put.give({ type: 'source', bytes: 5 }, { type: 'moved', stream: 1, bytes: 5 });
    put.give({ type: 'stream-failed', stream: 2, problem: 'unreachable' });
    const effects = put.give({ type: 'stream-failed', stream: 3, problem: 'unreachable' }).slice(1);
    expect(effects).toMatchObject([
      { type: 'failed', failure: { code: 'DFS_NO_QUORUM', context: { acknowledged: 0, needed: 2 } } },
      { type: 'close-stream', stream: 1 },
      { type: 'request', request: { kind: 'abandon-put' } },
      { type: 'closed' },
    ]);
  });

  test('asks again, under the same request id, when nobody answered its commit', () => {
    const put = new Put();
    put.end();
    put.store(1);
    const first = request(put.store(2));
    put.give({ type: 'unanswered', call: first.call });
    const second = request(put.wait(config.retryMs));
    expect(second.request).toEqual(first.request);
    expect(put.wait(config.putTimeoutMs).find(({ type }) => type === 'failed')).toMatchObject({
      failure: { code: 'DFS_META_UNREACHABLE' },
    });
  });

  test('gets further acknowledgements when those it has are of lives that ended', () => {
    const put = new Put();
    put.end();
    put.store(1);
    const { call } = request(put.store(2));
    const valid = [put.opened()[0]?.to.id ?? ''];
    put.give({ type: 'stream-failed', stream: 3, problem: 'refused' });
    put.give({ type: 'reply', call, reply: { kind: 'stale-epoch', view: { ...view, epoch: 20 }, valid } });
    expect(put.opened().slice(3)).toMatchObject([{ epoch: 20 }, { epoch: 20 }].slice(0, put.opened().length - 3));
    expect(put.opened().length).toBeGreaterThan(3);
  });

  test('keeps what was acknowledged while the answer was on its way, which does not judge it', () => {
    const put = new Put({ replayable: false });
    put.end();
    put.store(1);
    const { call } = request(put.store(2));
    put.store(3);
    const [first, , third] = put.opened().map(({ to }) => to.id);
    const reply = { kind: 'stale-epoch', view: { ...view, epoch: 20 }, valid: [first ?? ''] } as const;
    const again = request(put.give({ type: 'reply', call, reply }));
    expect(again.request).toMatchObject({ kind: 'commit-put', acks: [{ node: first }, { node: third }] });
  });

  test('sends everything again under a fresh id when it was given up meanwhile', () => {
    const put = new Put();
    put.end();
    put.store(1);
    const { call } = request(put.store(2));
    const asked = request(put.give({ type: 'reply', call, reply: { kind: 'tombstoned' } }));
    expect(asked.request.kind).toBe('open-put');
    const reply = { kind: 'placement', blob: blobId(77), epoch: 30, targets: view.servers, writeQuorum: 2 } as const;
    const opened = put.give({ type: 'reply', call: asked.call, reply });
    expect(opened).toMatchObject([{ type: 'open-stream', blob: blobId(77), stream: 4 }, {}, {}, {}]);
  });

  test('whose condition does not hold is told so before it sends anything', () => {
    const put = new Put({ ifAbsent: true });
    const { call, request: asked } = request(put.effects);
    expect(asked).toMatchObject({ kind: 'open-put', ifAbsent: true });
    const effects = put.give({ type: 'reply', call, reply: { kind: 'conflict', version: 3, deleted: false } });
    expect(effects[0]).toMatchObject({ type: 'failed', failure: { code: 'DFS_CONFLICT', context: { version: 3 } } });
    expect(put.opened()).toEqual([]);
  });

  test('with too few servers says how many there are', () => {
    const put = new Put({ view: { epoch: 1, servers: [server(1)] } });
    const reply = { kind: 'placement', blob: blobId(1), epoch: 1, targets: [server(1)], writeQuorum: 2 } as const;
    const effects = put.give({ type: 'reply', call: request(put.effects).call, reply });
    expect(effects[0]).toMatchObject({ failure: { code: 'DFS_NO_SERVERS', context: { needed: 2, usable: 1 } } });
  });

  test('waits a little for the first server of a store that has just begun', () => {
    const put = new Put({ view: { epoch: 0, servers: [] } });
    const nobody = { kind: 'placement', blob: blobId(1), epoch: 1, targets: [], writeQuorum: 2 } as const;
    put.give({ type: 'reply', call: request(put.effects).call, reply: nobody });
    const again = request(put.wait(config.retryMs));
    put.give({ type: 'reply', call: again.call, reply: { ...nobody, targets: view.servers.slice(0, 3) } });
    expect(put.opened()).toHaveLength(3);

    const late = new Put({ view: { epoch: 0, servers: [] } });
    let { call } = request(late.effects);
    while (!typesOf(late.give({ type: 'reply', call, reply: nobody })).includes('failed'))
      call = request(late.wait(config.putTimeoutMs / 4)).call;
    expect(late.effects.find(({ type }) => type === 'failed')).toMatchObject({ failure: { code: 'DFS_NO_SERVERS' } });
  });

  test('waits for its source without end, but not for servers', () => {
    const idle = new Put();
    idle.give(
      { type: 'source', bytes: 5 },
      ...[1, 2, 3].map((stream) => ({ type: 'moved', stream, bytes: 5 }) as const),
    );
    expect(typesOf(idle.wait(10 * config.putTimeoutMs))).not.toContain('failed');
    expect(idle.give({ type: 'source-failed', problem: 'it vanished' })[0]).toMatchObject({
      failure: { code: 'DFS_SOURCE_CHANGED' },
    });
    const stuck = new Put({ replayable: false });
    stuck.end();
    expect(stuck.wait(config.putTimeoutMs)[0]).toMatchObject({ failure: { code: 'DFS_NO_QUORUM' } });
  });
});
