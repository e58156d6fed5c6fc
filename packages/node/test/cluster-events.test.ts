import { expect, test } from 'vitest';
import { ClusterEvents } from '../src/console/cluster-events.ts';
import type { ListenToPeer, PeerStream } from '../src/console/listen-to-peer.ts';
import type { PeerPlace } from '../src/console/peers.ts';
import { nodeConfig } from '../src/config.ts';
import { EventHub } from '../src/http/event-hub.ts';
import { ManualClock } from './support/manual-clock.ts';

interface Peer {
  readonly url: string;
  readonly token: string | undefined;
  readonly stream: PeerStream;
  isCancelled: boolean;
}

function cluster(places: readonly PeerPlace[], isSealed = false) {
  const clock = new ManualClock();
  const config = nodeConfig.resolve({ eventClientsMax: 2 });
  const hub = new EventHub(clock, config);
  const peers: Peer[] = [];
  const listen: ListenToPeer = (place, stream) => {
    const peer = { ...place, stream, isCancelled: false };
    peers.push(peer);
    return () => void (peer.isCancelled = true);
  };
  const self = () => ({ name: 'ann' });
  const events = new ClusterEvents({ clock, config, hub, self, peers: () => places, listen, isSealed });
  return { clock, hub, peers, events };
}

function reader(events: ClusterEvents, token?: string) {
  const told: Record<string, unknown>[] = [];
  let isEnded = false;
  const subscription = events.subscribe(
    {
      write(text) {
        for (const line of text.split('\n'))
          if (line.startsWith('data: ')) told.push(JSON.parse(line.slice(6)) as Record<string, unknown>);
        return true;
      },
      end: () => void (isEnded = true),
      destroy: () => void (isEnded = true),
    },
    token,
  );
  return { told, subscription, ended: () => isEnded };
}

const bob: PeerPlace = { name: 'bob', host: '127.0.0.1', port: 7_953 };
const far: PeerPlace = { name: 'far', host: '10.0.0.9', port: 7_953 };

test('what happens in any node comes with the name of that node; what is no event is left out', () => {
  const { hub, peers, events } = cluster([bob]);
  const { told } = reader(events);
  hub.publish({ noun: 'swim', type: 'down' });
  const [peer] = peers as [Peer];
  peer.stream.opened();
  peer.stream.event('{"noun":"gms","type":"view","node":"ann"}');
  for (const nonsense of ['', '7', '[]', '{"noun":"gms"},"node":"ann"', '{']) peer.stream.event(nonsense);
  expect(told).toMatchObject([
    { noun: 'cluster', type: 'event', node: 'ann', event: { noun: 'swim', type: 'down' } },
    { noun: 'cluster', type: 'stream', node: 'bob', state: 'open' },
    { noun: 'cluster', type: 'event', node: 'bob', event: { noun: 'gms', type: 'view' } },
  ]);
});

test('a stream that breaks off is told, and sought again a second later; one that never began is not told', async () => {
  const { clock, peers, events } = cluster([bob, far]);
  const { told } = reader(events);
  peers[0]?.stream.opened();
  peers[0]?.stream.closed();
  peers[1]?.stream.closed();
  expect(told.map(({ node, state }) => [node, state])).toEqual([
    ['bob', 'open'],
    ['bob', 'lost'],
  ]);
  await clock.advance(1_000);
  expect(peers.length).toBe(4);
});

test('nobody is listened to while nobody reads, and all end with the node', async () => {
  const { clock, hub, peers, events } = cluster([bob]);
  expect([peers.length, hub.clientCount]).toEqual([0, 0]);
  const first = reader(events);
  const second = reader(events);
  expect(reader(events).subscription).toBeUndefined(); // eventClientsMax
  expect([peers.length, hub.clientCount]).toEqual([1, 1]);
  first.subscription?.cancel();
  expect(peers[0]?.isCancelled).toBe(false);
  second.subscription?.cancel();
  expect([peers[0]?.isCancelled, hub.clientCount, clock.pendingCount]).toEqual([true, 0, 0]);
  const third = reader(events);
  hub.close();
  expect([third.ended(), peers[1]?.isCancelled]).toEqual([true, true]);
  await clock.advance(5_000);
  expect(peers.length).toBe(2);
});

test('the token goes to this machine alone, unless certificates say who listens', () => {
  const plain = cluster([bob, far]);
  reader(plain.events, 'secret');
  expect(plain.peers.map(({ url, token }) => [url, token])).toEqual([
    ['http://127.0.0.1:7953', 'secret'],
    ['http://10.0.0.9:7953', undefined],
  ]);
  const sealed = cluster([far], true);
  reader(sealed.events, 'secret');
  expect(sealed.peers.map(({ url, token }) => [url, token])).toEqual([['https://10.0.0.9:7953', 'secret']]);
});

test('a peer that says too much is cut short, with a count; and no more than 64 are listened to', async () => {
  const { clock, peers, events } = cluster([bob]);
  const { told } = reader(events);
  for (let count = 0; count < 1_000; count++) peers[0]?.stream.event('{"noun":"gms","type":"message"}');
  expect(told.length).toBe(400);
  await clock.advance(1_000);
  expect(told.at(-1)).toMatchObject({ node: 'bob', event: { noun: 'node', type: 'dropped', count: 600 } });
  peers[0]?.stream.event('{"noun":"gms","type":"message"}');
  expect(told.length).toBe(402);
  const many = cluster(Array.from({ length: 100 }, (_, index) => ({ ...bob, name: `n${index}` })));
  reader(many.events);
  expect(many.peers.length).toBe(64);
});
