import type { LogFields } from '@grp/core';
import { describe, expect, test } from 'vitest';
import { createSwim, type Swim, type SwimEvent } from '../src/index.ts';
import { Cluster, port, type ClusterOptions } from './support/cluster.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

function cluster(options: ClusterOptions = {}): Cluster {
  return new Cluster({ count: 3, ...options }).form();
}

async function taken(iteration: AsyncIterable<SwimEvent>, into: string[]): Promise<void> {
  for await (const event of iteration) into.push('member' in event ? `${event.type} ${event.member.name}` : event.type);
}

function userEvents(all: Cluster): string[] {
  return all.events.flatMap(({ observer, event }) =>
    event.type === 'user-event'
      ? [`${observer}: ${event.name} ${text(event.payload)}${event.coalesce ? ' (coalesce)' : ''}`]
      : [],
  );
}

describe('member events', () => {
  test('a life from join to forget, as another member sees it', () => {
    const all = new Cluster({ count: 3, config: { forgetDownMs: 20_000 } });
    all.join('n2');
    all.join('n3');
    all.world.runFor(3_000);
    all.node('n2').setTags({ role: 'web' });
    all.world.runFor(3_000);
    all.world.crash('n2');
    all.world.runFor(6_000);
    all.world.restart('n2');
    all.join('n2');
    all.world.runFor(3_000);
    const left = all.node('n2').leave();
    all.world.runFor(3_000);
    left.catch(() => {});
    const seen = all.events.filter(
      ({ observer, event }) => observer === 'n3' && 'member' in event && event.member.name === 'n2',
    );
    expect(seen.map(({ event }) => event.type)).toEqual(['join', 'update', 'suspect', 'down', 'join', 'leave']);
    const [join, update, , down, again, leave] = seen.map(({ event }) =>
      'member' in event ? event.member : undefined,
    );
    expect(update).toMatchObject({ tags: { role: 'web' }, incarnation: (join?.incarnation ?? 0) + 1, status: 'alive' });
    expect([down?.id, down?.status]).toEqual([join?.id, 'down']);
    expect(again?.id).not.toBe(join?.id); // a restart is a new life
    expect([leave?.id, leave?.status]).toEqual([again?.id, 'left']);
  });

  test('one that is down is forgotten after its time', () => {
    const all = cluster({ config: { forgetDownMs: 20_000 } });
    all.world.crash('n3');
    all.world.runFor(30_000);
    expect(all.eventsOf('forget').toSorted()).toEqual(['n1: forget n3', 'n2: forget n3']);
    expect(
      all
        .node('n1')
        .members()
        .map(({ name }) => name),
    ).toEqual(['n1', 'n2']);
  });

  test('the list has this member first, then the others by name', () => {
    const all = new Cluster({ count: 12 }).form();
    const names = all
      .node('n5')
      .members()
      .map(({ name }) => name);
    expect(names).toEqual(['n5', 'n1', 'n10', 'n11', 'n12', 'n2', 'n3', 'n4', 'n6', 'n7', 'n8', 'n9']);
  });

  test('a listener that throws disturbs nobody, and is told of in the log', () => {
    const lines: string[] = [];
    const logger = {
      log: (level: string, event: string, fields?: LogFields) =>
        void lines.push(`${level} ${event} ${String(fields?.['message'] ?? '')}`),
    };
    const all = new Cluster({ count: 2, ports: () => ({ logger }) });
    const heard: string[] = [];
    all.node('n1').on(() => {
      throw new Error('not my day');
    });
    all.node('n1').on(({ type }) => heard.push(type));
    all.join('n2');
    all.world.runFor(3_000);
    expect(heard).toEqual(['join']);
    expect(lines).toContain('warn swim.fault Error: not my day');
    expect(lines.filter((line) => line.includes('swim.bug'))).toEqual([]);
    expect(all.isWhole()).toBe(true);
  });

  test('a cancelled listener hears no more', () => {
    const all = new Cluster({ count: 2 });
    const heard: string[] = [];
    const cancel = all.node('n1').on(({ type }) => heard.push(type));
    cancel();
    cancel();
    all.join('n2');
    all.world.runFor(3_000);
    expect(heard).toEqual([]);
  });

  test('events can be iterated; a signal, a break and a stop end that', async () => {
    const all = new Cluster({ count: 2 });
    const { world } = all;
    const [first, second, third]: [string[], string[], string[]] = [[], [], []];
    const controller = new AbortController();
    const ended = [
      taken(all.node('n1').events({ signal: controller.signal }), first),
      taken(all.node('n1').events(), second),
      (async () => {
        for await (const event of all.node('n1').events()) {
          third.push(event.type);
          break;
        }
      })(),
    ];
    all.join('n2');
    await world.run(3_000);
    controller.abort();
    await world.run(0);
    world.addNode('n3');
    all.join('n3');
    await world.run(3_000);
    all.node('n1').stop();
    await Promise.all(ended);
    expect([first, second, third]).toEqual([['join n2'], ['join n2', 'join n3'], ['join']]);
    await taken(all.node('n1').events(), first); // of a stopped member: none, and at once
    expect(first).toEqual(['join n2']);
  });

  test('a slow reader loses the oldest and hears how many', async () => {
    const all = cluster();
    let droppedCount = 0;
    const iteration = all.node('n1').events({ bufferMax: 2, onDropped: (count) => void (droppedCount += count) });
    for (let index = 0; index < 5; index++) all.node('n1').sendEvent(`e${index}`, bytes('x'));
    const names: string[] = [];
    all.node('n1').stop();
    for await (const event of iteration) if (event.type === 'user-event') names.push(event.name);
    expect([names, droppedCount]).toEqual([['e3', 'e4'], 3]);
  });
});

describe('as a failure detector', () => {
  test('suspects whoever is down or has left, trusts whoever joins or is back, by life', () => {
    const all = cluster();
    const heard: string[] = [];
    const cancel = all.node('n1').onSuspect((id) => heard.push(`suspect ${id}`));
    all.node('n1').onTrust((id) => heard.push(`trust ${id}`));
    const [, two, three] = all.names.map((name) => all.node(name).self.id);
    all.world.crash('n2');
    all.world.runFor(8_000);
    all
      .node('n3')
      .leave()
      .catch(() => {});
    all.world.runFor(3_000);
    expect(heard).toEqual([`suspect ${two}`, `suspect ${three}`]);
    all.world.restart('n2');
    all.join('n2');
    all.world.runFor(3_000);
    expect(heard.at(-1)).toBe(`trust ${all.node('n2').self.id}`);
    cancel();
    all.world.crash('n2');
    all.world.runFor(8_000);
    expect(heard).toHaveLength(3);
  });

  test('a hint has the member probed at once, and by itself excludes nobody', () => {
    const all = cluster({ config: { probeIntervalMs: 60_000 } });
    const { id } = all.node('n2').self;
    all.sent.length = 0;
    all.node('n1').hint(id);
    // Directly, and through the third.
    expect(all.sent.map(({ from, to }) => [from, to])).toEqual([
      ['n1', all.address('n2')],
      ['n1', all.address('n3')],
    ]);
    all.world.runFor(5_000);
    expect(all.eventsOf('suspect', 'down')).toEqual([]);
    all.world.crash('n2');
    all.node('n1').hint(id);
    all.world.runFor(5_000);
    expect(all.eventsOf('down').toSorted()).toEqual(['n1: down n2', 'n3: down n2']);
    for (const odd of ['', '#', 'n2', 'nobody#1', 'n1#0']) all.node('n1').hint(odd);
    expect(all.faults).toEqual([]);
  });
});

describe('user events', () => {
  test('reach everyone once, the sender too, with name, payload and flag', () => {
    const all = cluster();
    all.node('n2').sendEvent('deploy', bytes('v1'));
    all.node('n2').sendEvent('restart', bytes(''), { coalesce: true });
    all.world.runFor(5_000);
    for (const name of ['n1', 'n2', 'n3']) {
      const heard = userEvents(all)
        .filter((line) => line.startsWith(name))
        .toSorted();
      expect(heard).toEqual([`${name}: deploy v1`, `${name}: restart  (coalesce)`]);
    }
  });

  test('of 512 bytes encoded are taken, of one more refused, and none in between is lost without a word', () => {
    const all = cluster();
    const swim = all.node('n1');
    const refusal = (size: number): unknown => {
      try {
        return swim.sendEvent('e', new Uint8Array(size));
      } catch (error) {
        return error;
      }
    };
    let sizeMax = 300;
    while (refusal(sizeMax + 1) === undefined) sizeMax++;
    expect(refusal(sizeMax + 1)).toMatchObject({ code: 'SWIM_EVENT_TOO_LONG', kind: 'usage', context: { max: 512 } });
    expect(sizeMax).toBeGreaterThan(450);
    expect(swim.health().dropped).toEqual({});
    all.world.runFor(10_000);
    const largest = all.events.filter(({ event }) => event.type === 'user-event' && event.payload.length === sizeMax);
    expect(largest.map(({ observer }) => observer).toSorted()).toEqual(['n1', 'n2', 'n3']);
  });
});

describe('what can be read', () => {
  test('round trips, health and bandwidth', () => {
    const all = new Cluster({ count: 4, network: { delay: 5 } }).form();
    all.world.runFor(120_000);
    const swim = all.node('n1');
    const rtt = swim.rtt();
    expect(rtt.map(({ name }) => name)).toEqual(['n2', 'n3', 'n4']);
    for (const { measuredMs, estimatedMs } of rtt) {
      expect(measuredMs).toBeCloseTo(10, 0);
      expect(estimatedMs).toBeGreaterThan(2);
      expect(estimatedMs).toBeLessThan(30);
    }
    expect(swim.health()).toEqual({ score: 0, broadcastsQueued: 0, dropped: {} });
    const kinds = swim.bandwidth().messages.map(({ type }) => type);
    expect(kinds).toEqual(expect.arrayContaining(['ping', 'ack', 'alive', 'push-pull']));
    swim.resetBandwidth();
    expect(swim.bandwidth()).toMatchObject({ messages: [], peers: [], dropped: {} });
  });

  test('a bug stops the member as a crash would, and is told once', () => {
    const all = cluster();
    const events: SwimEvent[] = [];
    let swim: Swim | undefined;
    all.world.addNode('broken', (host) => {
      const transport = host.transport(port);
      const broken = { ...transport, self: transport.self, maxPayloadBytes: 1_400, delivery: 'best-effort' as const };
      swim = createSwim(
        {
          transport: {
            ...broken,
            send: () => {
              throw new Error('a transport never throws');
            },
            onReceive: (listener) => transport.onReceive(listener),
            close: () => transport.close(),
          },
          streams: host.streams(port),
          clock: host.clock,
          random: host.random,
        },
        { name: 'broken' },
      );
      swim.on((event) => events.push(event));
      swim.start();
      return swim;
    });
    swim?.join([all.address('n1')]).catch(() => {});
    all.world.runFor(10_000);
    expect(events.filter(({ type }) => type === 'fault')).toMatchObject([
      { type: 'fault', code: 'SWIM_BUG', message: expect.stringContaining('never throws') },
    ]);
    expect(all.isWhole()).toBe(false);
    expect(all.eventsOf('down').filter((line) => !line.endsWith('broken'))).toEqual([]);
  });
});
