import { describe, expect, test } from 'vitest';
import { GetMachine } from '../src/client/get-machine.ts';
import type { GetEffect, GetInput, GetOptions } from '../src/client/get-types.ts';
import { clientConfig } from '../src/config.ts';
import type { FileServer, Manifest } from '../src/model.ts';
import { blobId, sha256 } from './support.ts';

const config = clientConfig.defaults;
const holders: readonly FileServer[] = [1, 2, 3].map((number) => ({
  id: `n${number}`,
  incarnation: number,
  address: `h:${number}`,
  zone: '',
  freeBytes: 1,
  up: true,
}));
const manifest: Manifest = {
  name: 'a',
  version: 7,
  blob: blobId(1),
  bytes: 100,
  sha256,
  holders: ['n1', 'n2', 'n3'],
  replicas: 3,
  at: 0,
};

/** A get under test: gives inputs, keeps all effects. */
class Get {
  readonly machine: GetMachine;
  readonly effects: GetEffect[] = [];
  now = 0;

  constructor(options: Partial<GetOptions> = {}) {
    this.machine = new GetMachine({ name: 'a', isWhole: true, prefer: ['n2', 'n3'], config, ...options });
    this.give({ type: 'start' });
  }

  give(...inputs: readonly GetInput[]): readonly GetEffect[] {
    const effects = this.machine.step(inputs, this.now);
    this.effects.push(...effects);
    return effects;
  }

  wait(ms: number): readonly GetEffect[] {
    const effects: GetEffect[] = [];
    const until = this.now + ms;
    for (let at = this.machine.nextDeadline(); at !== undefined && at <= until; at = this.machine.nextDeadline()) {
      this.now = Math.max(this.now, at);
      effects.push(...this.machine.step([{ type: 'wake' } as never], this.now));
    }
    this.now = until;
    this.effects.push(...effects);
    return effects;
  }

  find(
    reply: Extract<GetInput, { type: 'reply' }>['reply'] = { kind: 'found', manifest, holders },
  ): readonly GetEffect[] {
    return this.give({ type: 'reply', call: this.last('request').call, reply });
  }

  last<Type extends GetEffect['type']>(type: Type): Extract<GetEffect, { type: Type }> {
    return this.effects.findLast((effect) => effect.type === type) as Extract<GetEffect, { type: Type }>;
  }
}

describe('a get', () => {
  test('reads from the nearest holder, checks a second, and ends when the digest of all is right', () => {
    const get = new Get();
    expect(get.find()).toMatchObject([
      { type: 'found', offset: 0, length: 100 },
      { type: 'check', at: { id: 'n3' } },
      { type: 'read', from: { id: 'n2' }, offset: 0, length: 100 },
    ]);
    const { read } = get.last('read');
    expect(get.give({ type: 'data', read, bytes: 60 }, { type: 'data', read, bytes: 100 })).toEqual([
      { type: 'digest-whole' },
    ]);
    expect(get.give({ type: 'whole', sha256 })).toEqual([{ type: 'done' }]);
    const { check } = get.last('check');
    expect(get.give({ type: 'checked', check, sha256 })).toEqual([{ type: 'closed' }]);
  });

  test('goes on with another holder where the first one failed or stood still', () => {
    const get = new Get();
    get.find();
    get.give({ type: 'data', read: get.last('read').read, bytes: 40 });
    expect(get.wait(config.stallMs)).toMatchObject([
      { type: 'cancel' },
      { type: 'read', from: { id: 'n3' }, offset: 40, length: 60 },
    ]);
    const effects = get.give({ type: 'read-failed', read: get.last('read').read, problem: 'bad' });
    expect(effects).toMatchObject([
      { type: 'cancel' },
      { type: 'request', request: { kind: 'rot-report', node: 'n3', incarnation: 3, blob: blobId(1) } },
      { type: 'read', from: { id: 'n1' }, offset: 40 },
    ]);
  });

  test('waits longer where holders are slow, instead of leaving them over and over, and shorter again when they are not', () => {
    const get = new Get({ prefer: ['n1', 'n2', 'n3'] });
    get.find();
    get.wait(config.stallMs);
    expect(get.last('read').from.id).toBe('n2');
    get.give({ type: 'data', read: get.last('read').read, bytes: 10 });
    expect(get.wait(2 * config.stallMs - 1)).toEqual([]);
    get.give({ type: 'data', read: get.last('read').read, bytes: 20 });
    for (let bytes = 21; bytes < 50; bytes++) {
      get.wait(config.stallMs - 1);
      get.give({ type: 'data', read: get.last('read').read, bytes });
    }
    expect(get.last('read').from.id).toBe('n2');
    expect(get.wait(config.stallMs)).toMatchObject([{ type: 'cancel' }, { type: 'read', from: { id: 'n3' } }]);
  });

  test('reports a second holder whose copy is altered', () => {
    const get = new Get();
    get.find();
    const { check } = get.last('check');
    expect(get.give({ type: 'checked', check, sha256: '00' })).toMatchObject([
      { type: 'request', request: { kind: 'rot-report', node: 'n3' } },
    ]);
  });

  test('looks the holders up again, for the same version, when all failed; and ends with an error, not with another version', () => {
    const get = new Get();
    get.find();
    get.give({ type: 'data', read: get.last('read').read, bytes: 10 });
    for (let holder = 0; holder < 3; holder++)
      get.give({ type: 'read-failed', read: get.last('read').read, problem: 'unreachable' });
    get.wait(config.retryMs);
    expect(get.last('request').request).toEqual({ kind: 'lookup', name: 'a', version: 7 });
    expect(get.find({ kind: 'not-found' }).at(-2)).toMatchObject({ failure: { code: 'DFS_UNREADABLE' } });
    const silent = new Get();
    silent.find({ kind: 'found', manifest, holders: [] });
    const failed = silent.wait(config.getTimeoutMs).find(({ type }) => type === 'failed');
    expect(failed).toMatchObject({ failure: { code: 'DFS_UNREADABLE', context: { version: 7 } } });
  });

  test('of bytes whose digest is another fails, and reports the one holder they came from', () => {
    const get = new Get();
    get.find();
    get.give({ type: 'data', read: get.last('read').read, bytes: 100 });
    expect(get.give({ type: 'whole', sha256: 'ff' })).toMatchObject([
      { type: 'request', request: { kind: 'rot-report', node: 'n2' } },
      { type: 'failed', failure: { code: 'DFS_CORRUPT' } },
      { type: 'closed' },
    ]);
  });

  test('of a range reads just that, and of a range behind the end nothing', () => {
    const get = new Get({ isWhole: false, range: { offset: 90, length: 50 } });
    get.find();
    expect(get.last('read')).toMatchObject({ offset: 90, length: 10 });
    expect(get.give({ type: 'data', read: get.last('read').read, bytes: 10 })).toEqual([
      { type: 'done' },
      { type: 'closed' },
    ]);
    const behind = new Get({ range: { offset: 101 } });
    expect(behind.find()[0]).toMatchObject({ failure: { code: 'DFS_REQUEST_INVALID' } });
  });

  test('of frames alone still checks a second holder, and asks for no digest of its own', () => {
    const get = new Get({ isWhole: false });
    get.find();
    const { check } = get.last('check');
    expect(get.give({ type: 'data', read: get.last('read').read, bytes: 100 })).toEqual([{ type: 'done' }]);
    expect(get.give({ type: 'checked', check, sha256: 'ff' })).toMatchObject([
      { type: 'request', request: { kind: 'rot-report', node: 'n3' } },
      { type: 'closed' },
    ]);
  });

  test('of an empty file reads nothing', () => {
    const get = new Get();
    const effects = get.find({ kind: 'found', manifest: { ...manifest, bytes: 0 }, holders });
    expect(effects.map(({ type }) => type)).toEqual(['found', 'digest-whole']);
  });

  test('does not leave a holder because the reader pauses', () => {
    const get = new Get();
    get.find();
    get.give({ type: 'paused', paused: true });
    expect(get.wait(10 * config.getTimeoutMs)).toEqual([]);
    get.give({ type: 'paused', paused: false });
    expect(get.wait(config.stallMs - 1)).toEqual([]);
  });

  test('of what is not there says so; one that nobody answers gives up', () => {
    expect(new Get().find({ kind: 'not-found' })[0]).toMatchObject({ failure: { code: 'DFS_NOT_FOUND' } });
    const failed = new Get().wait(config.getTimeoutMs).find(({ type }) => type === 'failed');
    expect(failed).toMatchObject({ failure: { code: 'DFS_META_UNREACHABLE' } });
  });
});
