// One socket per peer, all on one port: who gets what, and who hears that a peer is gone.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { systemClock, systemRandom, type Address } from '@grp/core';
import { injectFaults, openNetwork, type Network } from '@grp/transport-udp';
import { describe, expect, test } from 'vitest';
import { bytesOf, hasIpv6, hasLoopbackRange, Networks, pass, until } from './helpers.ts';

const connect = { connect: true };
const isLinux = process.platform === 'linux';

/** Enough datagrams for a socket of its own, each of them answered. */
async function converse(near: Network, far: Network, count = 12): Promise<void> {
  let heard = 0;
  const from = new Set<Address>();
  far.transport.onReceive((peer, payload) => far.transport.send(peer, payload));
  near.transport.onReceive((peer) => {
    from.add(peer);
    heard++;
  });
  for (let sent = 1; sent <= count; sent++) {
    near.transport.send(far.self, bytesOf(`${sent}`));
    await until(() => heard >= sent, `answer ${sent} of ${count}`);
  }
  expect([...from]).toEqual([far.self]);
}

describe.skipIf(!isLinux)('connected sockets', () => {
  test.each(hasIpv6 ? ['127.0.0.1:0', '[::1]:0'] : ['127.0.0.1:0'])('keep the one address, at %s', async (bind) => {
    await using networks = new Networks();
    const near = await networks.open({ bind, ...connect });
    const others = [await networks.open({ bind, ...connect }), await networks.open({ bind })];
    for (const far of others) await converse(near, far);
    expect(near.meter.report().dropped).toEqual({});
  });

  test('lose nothing that arrives while one is being opened', async () => {
    await using networks = new Networks();
    const near = await networks.open(connect);
    const flooder = await networks.open();
    const peers = await Promise.all(Array.from({ length: 6 }, () => networks.open()));
    let [heard, sent] = [0, 0];
    near.transport.onReceive((from) => void (heard += from === flooder.self ? 1 : 0));
    for (const peer of peers)
      for (let round = 0; round < 20; round++) {
        near.transport.send(peer.self, bytesOf('hello')); // the fourth opens the peer's socket
        for (let count = 0; count < 5; count++, sent++) flooder.transport.send(near.self, bytesOf('x'));
        await pass(1);
      }
    await until(() => heard >= sent, `all ${sent} datagrams of the flood arrive`);
    expect(heard).toBe(sent);
  });

  test('tell that a peer is gone, and serve its next life', async () => {
    await using networks = new Networks();
    const near = await networks.open(connect);
    const far = await openNetwork({ bind: '127.0.0.1:0' });
    await converse(near, far);
    const refused: Address[] = [];
    const cancel = near.transport.onRefused((peer) => refused.push(peer));
    await far.close();
    for (let attempt = 0; attempt < 100 && refused.length === 0; attempt++) {
      near.transport.send(far.self, bytesOf('still there?'));
      near.transport.send(far.self, bytesOf('in pairs, too'));
      await pass(2);
    }
    expect(refused[0]).toBe(far.self);
    cancel();
    const again = await networks.open({ bind: far.self });
    await converse(near, again);
  });

  test('say nothing of a peer that faults have cut off', async () => {
    await using networks = new Networks();
    const options = { clock: systemClock(), random: systemRandom() };
    const near = networks.add(injectFaults(await openNetwork({ bind: '127.0.0.1:0', ...connect }), options));
    const far = await openNetwork({ bind: '127.0.0.1:0' });
    await converse(near, far);
    const refused: Address[] = [];
    near.transport.onRefused((peer) => refused.push(peer));
    await far.close();
    near.transport.send(far.self, bytesOf('?'));
    near.faults.block([far.self]);
    await pass(50);
    expect(refused).toEqual([]);
  });

  test('are bounded, close when idle, and the others go through the shared one', async () => {
    await using networks = new Networks();
    const near = await networks.open({ ...connect, connectedPeersMax: 2, connectedIdleMs: 100 });
    const peers = await Promise.all(Array.from({ length: 5 }, () => networks.open()));
    for (const far of peers) await converse(near, far);
    await pass(250); // both sockets go
    for (const far of peers.toReversed()) await converse(near, far);
    expect(near.meter.report().dropped).toEqual({});
  });

  test('do not hide that a port is taken', async () => {
    await using networks = new Networks();
    const { self } = await networks.open(connect);
    for (const options of [{}, connect])
      await expect(openNetwork({ bind: self, ...options })).rejects.toMatchObject({ code: 'NETWORK_PORT_IN_USE' });
    const stranger = createSocket('udp4').bind(0, '127.0.0.1');
    await once(stranger, 'listening');
    const taken = `127.0.0.1:${stranger.address().port}`;
    await expect(openNetwork({ bind: taken, ...connect })).rejects.toMatchObject({ code: 'NETWORK_PORT_IN_USE' });
    stranger.close();
  });

  test.skipIf(!hasLoopbackRange)('heed the allow-list', async () => {
    await using networks = new Networks();
    const near = await networks.open({ ...connect, allow: ['127.0.0.1/32'] });
    const far = await networks.open({ bind: '127.0.0.2:0' });
    far.transport.onReceive((from, payload) => far.transport.send(from, payload));
    let heard = 0;
    near.transport.onReceive(() => void heard++);
    for (let count = 0; count < 10; count++) {
      near.transport.send(far.self, bytesOf('x'));
      await pass(5);
    }
    expect(heard).toBe(0);
    expect(near.meter.droppedCount('receive.not-allowed')).toBeGreaterThan(0);
  });

  test('carry datagrams of 60 KB on loopback', async () => {
    await using networks = new Networks();
    const options = { ...connect, datagramBytesMax: 60_000 };
    const [near, far] = [await networks.open(options), await networks.open(options)];
    const lengths: number[] = [];
    far.transport.onReceive((_, payload) => lengths.push(payload.length));
    for (let sent = 1; sent <= 10; sent++) {
      near.transport.send(far.self, new Uint8Array(60_000));
      await until(() => lengths.length >= sent, 'a long datagram arrives');
    }
    expect(new Set(lengths)).toEqual(new Set([60_000]));
  });
});
