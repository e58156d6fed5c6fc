import { describe, expect, test } from 'vitest';
import { masterConfig, type MasterConfig } from '../src/config.ts';
import { MasterMachine } from '../src/master/machine.ts';
import type { CopyFinding, MasterEffect, MasterInput } from '../src/master/types.ts';
import type { MetaReply } from '../src/messages.ts';
import { blobId, Log, sha256 } from './support.ts';

type Of<Type extends MasterEffect['type']> = Extract<MasterEffect, { type: Type }>;

/** A master under test, whose proposals the log carries out at once. */
class Master {
  readonly log = new Log();
  readonly machine: MasterMachine;
  readonly effects: MasterEffect[] = [];
  now = 1_000;
  isLogBusy = false;

  constructor(servers: number, settings: Partial<MasterConfig> = {}) {
    this.log.join(servers);
    const config = masterConfig.resolve({ rebalanceIntervalMs: 86_400_000, ...settings });
    this.machine = new MasterMachine({ meta: this.log.meta, config, service: { reserveBytes: 0 } });
    this.up(...Array.from({ length: servers }, (_, index) => index + 1));
    this.give({ type: 'lead', leading: true, wallMs: 0 });
  }

  up(...servers: readonly number[]): void {
    this.give({ type: 'up', servers: servers.map((number) => `n${number}`) });
  }

  give(...inputs: readonly MasterInput[]): void {
    const effects = this.machine.step(inputs, this.now);
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.type !== 'propose') continue;
      const result = this.isLogBusy ? undefined : this.log.one(effect.command);
      this.give({ type: 'result', ticket: effect.ticket, result }, { type: 'applied' });
    }
  }

  wait(ms: number): void {
    const until = this.now + ms;
    for (let at = this.machine.nextDeadline(); at !== undefined && at <= until; at = this.machine.nextDeadline()) {
      this.now = at;
      this.give({ type: 'wake' } as never);
    }
    this.now = until;
  }

  of<Type extends MasterEffect['type']>(type: Type): readonly Of<Type>[] {
    return this.effects.filter((effect): effect is Of<Type> => effect.type === type);
  }

  put(blob: number, ...nodes: readonly number[]): void {
    this.log.put(
      `f${blob}`,
      blob,
      nodes.map((number) => `n${number}`),
    );
    this.give({ type: 'applied' });
  }

  copied({ order }: Of<'copy'>): void {
    const { id: node, incarnation } = order.to;
    this.give({ type: 'copied', copy: order.copy, ack: { node, incarnation, epoch: order.epoch } });
  }

  verified(finding: CopyFinding): void {
    const { order } = this.of('verify').at(-1) as Of<'verify'>;
    this.give({ type: 'verified', verification: order.verification, finding });
  }

  ask(request: Extract<MasterInput, { type: 'request' }>['request']): MetaReply | undefined {
    this.give({ type: 'request', ticket: 1, request });
    return this.of('reply').at(-1)?.reply;
  }
}

describe('a server that is away', () => {
  test('is declared dead after the grace, not before, and not at all when it is back', () => {
    const master = new Master(4);
    master.up(1, 2, 3);
    master.wait(2_999);
    expect(master.of('propose')).toEqual([]);
    master.up(1, 2, 3, 4);
    master.wait(5_000);
    expect(master.of('propose')).toEqual([]);
    master.up(1, 2, 3);
    master.wait(3_000);
    expect(master.of('propose')).toMatchObject([{ command: { kind: 'down', node: 'n4', incarnation: 4 } }]);
  });

  test('has its replicas made elsewhere, those of blobs with the fewest holders first', () => {
    const master = new Master(5, { copiesMax: 1 });
    master.put(1, 1, 2, 3);
    master.put(2, 1, 2, 3);
    master.put(3, 1, 2);
    master.log.do({ kind: 'drop-holder', blob: blobId(2), node: 'n3', incarnation: 3, onlyExcess: false, asOf: 0 });
    master.log.do({ kind: 'down', node: 'n1', incarnation: 1 });
    master.give({ type: 'applied' });
    expect(master.of('copy')).toMatchObject([{ order: { blob: blobId(2), from: { id: 'n2' } } }]);
    master.copied(master.of('copy')[0] as Of<'copy'>);
    expect(master.of('copy')[1]).toMatchObject({ order: { blob: blobId(3), from: { id: 'n2' } } });
    for (let copy = 1; copy < 5; copy++) master.copied(master.of('copy')[copy] as Of<'copy'>);
    expect(master.log.meta.state.deficient.size).toBe(0);
    expect(master.machine.status()).toMatchObject({ idle: false, underReplicated: 0, copiesDone: 5 });
  });
});

describe('a copy', () => {
  test('of a new version waits for the replica that its writer is still sending', () => {
    const master = new Master(4);
    master.put(1, 1, 2);
    master.wait(999);
    expect(master.of('copy')).toEqual([]);
    master.wait(100);
    expect(master.of('copy')).toHaveLength(1);
  });

  test('from a bad source drops the source and is made from another', () => {
    const master = new Master(4);
    master.put(1, 1, 2, 3);
    master.log.do({ kind: 'down', node: 'n3', incarnation: 3 });
    master.up(1, 2, 4);
    const [first] = master.of('copy');
    master.give({ type: 'not-copied', copy: first?.order.copy ?? 0, problem: 'source-bad' });
    const bad = first?.order.from.id;
    expect(master.of('verify')).toMatchObject([{ order: { blob: blobId(1), sha256, at: { id: bad } } }]);
    master.verified('bad');
    master.wait(150);
    expect(master.of('propose')).toMatchObject([{ command: { kind: 'drop-holder', node: bad, onlyExcess: false } }]);
    expect(master.of('copy').at(-1)?.order.from.id).not.toBe(bad);
    expect(master.of('delete')).toMatchObject([{ order: { at: { id: bad }, items: [{ blob: blobId(1) }] } }]);
  });

  test('that takes long again and again is given more time, not made again and again; and counts when it is there', () => {
    const master = new Master(5);
    master.put(1, 1, 2, 3);
    master.log.do({ kind: 'down', node: 'n3', incarnation: 3 });
    master.up(1, 2, 4, 5);
    master.wait(120_000);
    const orders = master.of('copy');
    expect(orders.length).toBeLessThanOrEqual(8); // 5 + 10 + 20 + 20 + … s, and pauses
    expect(new Set(orders.slice(0, 2).map(({ order }) => order.to.id)).size).toBe(2);
    master.copied(orders[0] as Of<'copy'>);
    expect(master.log.meta.state.deficient.size).toBe(0);
    for (const late of orders.slice(1)) master.copied(late);
    master.wait(10_000);
    expect(master.of('copy')).toHaveLength(orders.length);
    expect(master.log.meta.state.blobs.get(blobId(1))?.holders).toHaveLength(3);
  });

  test('that is there is not made once more because the log was busy: it is told to the log until that answers', () => {
    const master = new Master(4);
    master.put(1, 1, 2, 3);
    master.log.do({ kind: 'down', node: 'n3', incarnation: 3 });
    master.up(1, 2, 4);
    master.isLogBusy = true;
    master.copied(master.of('copy')[0] as Of<'copy'>);
    master.wait(60_000);
    expect(master.of('propose').length).toBeGreaterThan(10);
    master.isLogBusy = false;
    master.wait(1_000);
    expect(master.log.meta.state.blobs.get(blobId(1))?.holders).toContain('n4');
    expect(master.of('copy')).toHaveLength(1);
  });

  test('that is never answered is begun again after its time', () => {
    const master = new Master(4);
    master.put(1, 1, 2, 3);
    master.log.do({ kind: 'down', node: 'n3', incarnation: 3 });
    master.up(1, 2, 4);
    expect(master.of('copy')).toHaveLength(1);
    master.wait(6_500);
    expect(master.of('copy').length).toBeGreaterThan(1);
  });

  test('beyond what is allowed at once, or a second, waits', () => {
    const master = new Master(5, { copiesMax: 3, repairBytesPerSecond: 1_000, repairBurstBytes: 150 });
    for (let blob = 1; blob <= 10; blob++) master.put(blob, 1, 2, 3);
    master.log.do({ kind: 'down', node: 'n3', incarnation: 3 });
    master.up(1, 2, 4, 5);
    expect(master.of('copy')).toHaveLength(2); // 100 bytes each: the burst is used up
    master.wait(60);
    expect(master.of('copy')).toHaveLength(3);
    master.wait(1_000);
    expect(master.of('copy')).toHaveLength(3); // three are under way
  });
});

describe('reports', () => {
  const held = { epoch: 4, bytes: 100, sha256 };

  test('of a life that is over tell the server to join again, but not by a master that is behind', () => {
    const master = new Master(4);
    const report = { kind: 'hold-report', node: 'n1', asOf: 4, blobs: [] } as const;
    expect(master.ask({ ...report, incarnation: 99 })).toEqual({ kind: 'not-leader' });
    master.log.do({ kind: 'down', node: 'n1', incarnation: 1 });
    expect(master.ask({ ...report, incarnation: 1 })).toEqual({ kind: 'expelled' });
    expect(master.ask({ kind: 'heartbeat', node: 'n1', incarnation: 1, freeBytes: 1 })).toEqual({ kind: 'expelled' });
    expect(master.ask({ kind: 'heartbeat', node: 'n2', incarnation: 2, freeBytes: 1 })).toEqual({
      kind: 'alive',
      epoch: 5,
    });
  });

  test('make a copy count that is wanted, and go that is not', () => {
    const master = new Master(4);
    master.put(1, 1, 2);
    master.put(2, 1, 2, 3);
    const blobs = [1, 2].map((blob) => ({ ...held, blob: blobId(blob) }));
    master.ask({ kind: 'hold-report', node: 'n4', incarnation: 4, asOf: 6, blobs });
    expect(master.log.meta.state.blobs.get(blobId(1))?.holders).toEqual(['n1', 'n2', 'n4']);
    expect(master.of('delete')).toMatchObject([{ order: { at: { id: 'n4' }, items: [{ blob: blobId(2) }] } }]);
  });

  test('that lack what the log has drop it, unless that came after the look', () => {
    const master = new Master(4);
    master.put(1, 1, 2, 3);
    master.ask({ kind: 'hold-report', node: 'n1', incarnation: 1, asOf: 4, blobs: [] });
    expect(master.of('propose')).toEqual([]);
    master.ask({ kind: 'hold-report', node: 'n1', incarnation: 1, asOf: 5, blobs: [] });
    expect(master.of('propose')).toMatchObject([{ command: { kind: 'drop-holder', node: 'n1', asOf: 5 } }]);
  });

  test('of a blob of no version have it given up, after the time that a put may take', () => {
    const master = new Master(4, { orphanGraceMs: 10_000 });
    const report = { kind: 'hold-report', node: 'n1', incarnation: 1, asOf: 4 } as const;
    const blobs = [{ ...held, blob: blobId(9) }];
    expect(master.ask({ ...report, blobs })).toMatchObject({ kind: 'unwanted', blobs: [] });
    master.wait(10_000);
    master.ask({ ...report, blobs });
    expect(master.of('propose')).toMatchObject([{ command: { kind: 'tombstone', blob: blobId(9) } }]);
    expect(master.ask({ ...report, blobs })).toMatchObject({ kind: 'unwanted', blobs: [blobId(9)] });
  });
});

describe('a report of rot', () => {
  const report = { kind: 'rot-report', node: 'n1', incarnation: 1, blob: blobId(1) } as const;

  test('takes nothing away that its server finds intact, and what it finds bad goes even when the log is busy first', () => {
    const master = new Master(4);
    master.put(1, 1, 2, 3);
    expect([master.ask(report), master.ask(report)]).toEqual([{ kind: 'done' }, { kind: 'done' }]);
    expect(master.of('verify')).toMatchObject([{ order: { blob: blobId(1), sha256, at: { id: 'n1' } } }]);
    master.verified('intact');
    master.ask(report);
    master.verified('unknown');
    master.wait(10_000);
    expect([master.of('propose'), master.machine.status().rotReported]).toEqual([[], 2]);
    master.ask(report);
    master.isLogBusy = true;
    master.verified('bad');
    master.isLogBusy = false;
    master.wait(1_000);
    expect(master.log.meta.state.blobs.get(blobId(1))?.holders).toEqual(['n2', 'n3']);
    expect(master.of('delete')).toMatchObject([{ order: { at: { id: 'n1' }, items: [{ blob: blobId(1) }] } }]);
  });

  test('of a copy that does not count, or of a server that is away, costs nothing; too many at once are told to come back', () => {
    const master = new Master(4);
    for (let blob = 1; blob <= 65; blob++) master.put(blob, 1, 2, 3);
    expect(master.ask({ ...report, node: 'n4', incarnation: 4 })).toEqual({ kind: 'done' });
    expect(master.ask({ ...report, incarnation: 99 })).toEqual({ kind: 'done' });
    expect(master.of('verify')).toEqual([]);
    const answers = Array.from({ length: 65 }, (_, index) => master.ask({ ...report, blob: blobId(index + 1) }));
    expect(answers.filter((answer) => answer?.kind === 'done')).toHaveLength(64);
    expect(answers.at(-1)).toMatchObject({ kind: 'failed', code: 'DFS_BUSY' });
    master.up(2, 3, 4);
    expect(master.ask({ ...report, blob: blobId(65) })).toMatchObject({ code: 'DFS_BUSY' });
  });
});

test('a replica too many goes, from the server that holds the most', () => {
  const master = new Master(4);
  master.put(2, 1, 2, 3);
  master.put(1, 1, 2, 3);
  const ack = { node: 'n4', incarnation: 4, epoch: 6 };
  master.log.do({ kind: 'add-holders', items: [{ blob: blobId(1), ack }] });
  master.give({ type: 'applied' });
  expect(master.of('propose')[0]).toMatchObject({ command: { kind: 'drop-holder', node: 'n1', onlyExcess: true } });
  expect(master.log.meta.state.excess.size).toBe(0);
});

test('a server that joins takes its share', () => {
  const master = new Master(4, { rebalanceIntervalMs: 100 });
  for (let blob = 1; blob <= 40; blob++) master.put(blob, 1, 2, 3);
  for (let round = 0; round < 60; round++) {
    master.wait(100);
    for (const copy of master.of('copy')) master.copied(copy);
    for (const { order } of master.of('delete')) master.give({ type: 'deleted', deletion: order.deletion });
  }
  const held = [...master.log.meta.state.servers.values()].map(({ heldBytes }) => heldBytes);
  expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(400);
});

test('a master that is no longer one does nothing more', () => {
  const master = new Master(4);
  master.give({ type: 'lead', leading: false, wallMs: 0 });
  master.up(1, 2);
  expect(master.machine.nextDeadline()).toBeUndefined();
  master.wait(60_000);
  expect(master.of('propose')).toEqual([]);
});
