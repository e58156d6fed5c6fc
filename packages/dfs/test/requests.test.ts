import { describe, expect, test } from 'vitest';
import { seededRandom } from '@grp/sim';
import { serviceConfig } from '../src/config.ts';
import { decodeCommands } from '../src/meta/command-codec.ts';
import type { Command } from '../src/meta/commands.ts';
import type { MetaReply, MetaRequest } from '../src/messages.ts';
import { RequestMachine } from '../src/service/request-machine.ts';
import type { RequestEffect, RequestInput } from '../src/service/requests.ts';
import { blobId, Log, sha256 } from './support.ts';

/** A service under test, beside a log that does what it is told. */
class Service {
  readonly log = new Log();
  readonly machine: RequestMachine;
  now = 0;

  constructor(settings: Parameters<typeof serviceConfig.resolve>[0] = {}) {
    this.log.join(4);
    const config = serviceConfig.resolve(settings);
    this.machine = new RequestMachine({ meta: this.log.meta, config, random: seededRandom(1), free: () => new Map() });
    this.give({ type: 'standing', leading: true, serving: true, leader: 'h:1' });
  }

  give(...inputs: readonly RequestInput[]): readonly RequestEffect[] {
    return this.machine.step(inputs, this.now);
  }

  ask(ticket: number, request: MetaRequest): RequestInput {
    return { type: 'request', ticket, request, wallMs: 5 };
  }

  commit(number: number): MetaRequest {
    const epoch = this.log.meta.state.position;
    const acks = [1, 2].map((at) => ({ node: `n${at}`, incarnation: at, epoch }));
    const put = { name: `f${number}`, requestId: `r${number}`, blob: blobId(number), epoch, bytes: 4, sha256, acks };
    return { kind: 'commit-put', ...put };
  }

  /** Has the log do what an entry says, and answers it. */
  apply(effect: RequestEffect | undefined): readonly RequestEffect[] {
    if (effect?.type !== 'propose') throw new Error('nothing is proposed');
    const answer = this.log.meta.apply(effect.bytes, ++this.log.index);
    return this.give({ type: 'proposed', entry: effect.entry, answer });
  }
}

function repliesOf(effects: readonly RequestEffect[]): readonly MetaReply[] {
  return effects.flatMap((effect) => (effect.type === 'reply' ? [effect.reply] : []));
}

function commandsOf(effect: RequestEffect | undefined): readonly Command[] {
  return effect?.type === 'propose' ? (decodeCommands(effect.bytes) ?? []) : [];
}

describe('commands', () => {
  test('that arrive while others are on their way share the next entry', () => {
    const service = new Service({ entriesInFlightMax: 1, entryCommandsMax: 3 });
    const [first] = service.give(service.ask(1, service.commit(1)));
    expect(commandsOf(first)).toHaveLength(1);
    const waiting = [2, 3, 4, 5].map((number) => service.ask(number, service.commit(number)));
    expect(service.give(...waiting)).toEqual([]);
    const effects = service.apply(first);
    expect(repliesOf(effects)).toMatchObject([{ kind: 'committed', version: 5, serversChangedAt: 4 }]);
    expect(commandsOf(effects[1])).toHaveLength(3);
    expect(repliesOf(service.apply(effects[1])).map((reply) => 'version' in reply && reply.version)).toEqual([6, 7, 8]);
  });

  test('whose entry fails tell whether they may still happen', () => {
    const service = new Service();
    const [first] = service.give(service.ask(1, service.commit(1)));
    const entry = first?.type === 'propose' ? first.entry : 0;
    const [reply] = repliesOf(service.give({ type: 'not-proposed', entry, failure: 'unknown' }));
    expect(reply).toMatchObject({ kind: 'failed', code: 'DFS_META_NO_QUORUM', outcomeUnknown: true });
    const [second] = service.give(service.ask(2, service.commit(1)));
    expect(repliesOf(service.apply(second))).toMatchObject([{ kind: 'committed' }]);
  });

  test('that the log never answers are given up after a while', () => {
    const service = new Service({ requestTimeoutMs: 100 });
    service.give(service.ask(1, service.commit(1)));
    expect(service.machine.nextDeadline()).toBe(100);
    service.now = 100;
    expect(repliesOf(service.give({ type: 'wake' } as never))).toMatchObject([{ outcomeUnknown: true }]);
    expect(service.machine.waitingCount).toBe(0);
  });

  test('beyond the limit are told that it is too much', () => {
    const service = new Service({ requestsWaitingMax: 2 });
    const asked = [1, 2, 3].map((number) => service.ask(number, service.commit(number)));
    expect(repliesOf(service.give(...asked))).toMatchObject([
      { kind: 'failed', code: 'DFS_BUSY', outcomeUnknown: false },
    ]);
  });

  test('to remove what is not there are answered so', () => {
    const service = new Service();
    const [effect] = service.give(service.ask(1, { kind: 'remove', name: 'x', requestId: 'r' }));
    expect(repliesOf(service.apply(effect))).toEqual([{ kind: 'not-found' }]);
  });

  test('with too few current acknowledgements are answered with a view of the servers', () => {
    const service = new Service();
    const put = service.commit(1) as Extract<MetaRequest, { kind: 'commit-put' }>;
    const [effect] = service.give(service.ask(1, { ...put, acks: put.acks.slice(0, 1) }));
    expect(repliesOf(service.apply(effect))).toMatchObject([
      { kind: 'stale-epoch', valid: ['n1'], view: { epoch: 5 } },
    ]);
  });
});

describe('reads', () => {
  test('that arrive while a barrier is on its way share the next one', () => {
    const service = new Service();
    const stat = { kind: 'stat', name: 'a' } as const;
    expect(service.give(service.ask(1, stat))).toEqual([{ type: 'barrier', barrier: 1 }]);
    expect(service.give(service.ask(2, stat), service.ask(3, stat))).toEqual([]);
    service.log.put('a', 9, ['n1', 'n2']);
    const effects = service.give({ type: 'barrier', barrier: 1, failure: undefined });
    expect(effects).toMatchObject([
      { type: 'reply', ticket: 1, reply: { kind: 'found', holders: [{ id: 'n1' }, { id: 'n2' }] } },
      { type: 'barrier', barrier: 2 },
    ]);
    expect(repliesOf(service.give({ type: 'barrier', barrier: 2, failure: 'not-leader' }))).toEqual([
      { kind: 'not-leader', leader: 'h:1' },
      { kind: 'not-leader', leader: 'h:1' },
    ]);
  });

  test('of servers, and placements, wait for nothing', () => {
    const service = new Service();
    const open = { kind: 'open-put', name: 'a', requestId: 'r', avoid: ['n1'] } as const;
    const effects = service.give(service.ask(1, { kind: 'servers' }), service.ask(2, open));
    expect(repliesOf(effects)).toMatchObject([
      { kind: 'servers-listed', view: { epoch: 4 } },
      { kind: 'placement', epoch: 4, writeQuorum: 2, targets: [{}, {}, {}] },
    ]);
  });

  test('of a placement under a condition are linearizable, and spare the bytes when it does not hold', () => {
    const service = new Service();
    service.log.put('a', 1, ['n1', 'n2'], { requestId: 'first' });
    const open = { kind: 'open-put', name: 'a', requestId: 'r', avoid: [], ifAbsent: true } as const;
    service.give(service.ask(1, open), service.ask(2, { ...open, requestId: 'first' }));
    expect(repliesOf(service.give({ type: 'barrier', barrier: 1, failure: undefined }))).toMatchObject([
      { kind: 'conflict', version: 5 },
      { kind: 'placement' }, // its own put of before: only the commit tells
    ]);
  });
});

test('a node that does not serve, or does not lead, says who does', () => {
  const service = new Service();
  const beat = { kind: 'heartbeat', node: 'n1', incarnation: 1, freeBytes: 1 } as const;
  expect(service.give(service.ask(1, beat))).toMatchObject([{ type: 'master', request: beat }]);
  service.give({ type: 'standing', leading: false, serving: true, leader: 'h:2' });
  expect(repliesOf(service.give(service.ask(2, beat)))).toEqual([{ kind: 'not-leader', leader: 'h:2' }]);
  service.give({ type: 'standing', leading: false, serving: false, leader: undefined });
  expect(repliesOf(service.give(service.ask(3, { kind: 'servers' })))).toEqual([{ kind: 'not-leader' }]);
});

test('a request that is none is refused before it reaches the log', () => {
  const service = new Service();
  const effects = service.give(service.ask(1, { kind: 'remove', name: '../x', requestId: 'r' }));
  expect(repliesOf(effects)).toMatchObject([{ kind: 'failed', code: 'DFS_NAME_INVALID' }]);
});
