import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseAddress, systemClock } from '@grp/core';
import { openNetwork } from '@grp/transport-udp';
import { describe, expect, test } from 'vitest';
import { address, bytesOf, hasIpv6, Networks, noIpv6, until, hasLoopbackRange, noLoopbackRange } from './helpers.ts';

const unavailable = '198.51.100.7'; // RFC 5737: no host has it

describe('opening', () => {
  test('takes one port for datagrams and streams, and advertises the bound address', async () => {
    await using networks = new Networks();
    const { self, bound, transport, streams } = await networks.open();
    expect(self).toMatch(/^127\.0\.0\.1:\d+$/);
    expect([bound, transport.self, streams.self]).toEqual([self, self, self]);
  });

  test('gives the same port again once it is free, for both', async () => {
    await using networks = new Networks();
    const first = await networks.open();
    await first.close();
    expect((await networks.open({ bind: first.self })).self).toBe(first.self);
  });

  test('tells who is in the way, and leaves nothing open', async () => {
    await using networks = new Networks();
    const { self } = await networks.open();
    await expect(openNetwork({ bind: self })).rejects.toMatchObject({
      code: 'NETWORK_PORT_IN_USE',
      kind: 'conflict',
      message: expect.stringContaining('UDP port') as string,
      hint: expect.stringContaining('port 0') as string,
    });
    const server = createServer().listen({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await expect(openNetwork({ bind: `127.0.0.1:${port}` })).rejects.toThrow(/TCP port/);
    const socket = createSocket('udp4').bind(port, '127.0.0.1'); // UDP was given back
    await once(socket, 'listening');
    socket.close();
    server.close();
  });

  test.each([
    [{ bind: 'nonsense' }, 'ADDRESS_INVALID', 'usage'],
    [{ bind: '127.0.0.1:70000' }, 'ADDRESS_INVALID', 'usage'],
    [{ bind: `${unavailable}:0` }, 'NETWORK_ADDRESS_UNAVAILABLE', 'usage'],
    [{ bind: 'no-such-host.invalid:0' }, 'NETWORK_HOST_UNKNOWN', 'unreachable'],
    [{ bind: '127.0.0.1:0', allow: ['10.0.0.0/33', 'x'] }, 'NETWORK_CIDR_INVALID', 'usage'],
    [{ bind: '127.0.0.1:0', advertise: '[::1]:1' }, 'NETWORK_ADVERTISE_INVALID', 'usage'],
    [{ bind: '127.0.0.1:0', advertise: '0.0.0.0' }, 'NETWORK_ADVERTISE_INVALID', 'usage'],
    [{ bind: '127.0.0.1:0', datagramBytesMax: 9 }, 'CONFIG_INVALID', 'usage'],
  ])('refuses %o with %s', async (options, code, kind) => {
    await expect(openNetwork(options)).rejects.toMatchObject({ code, kind });
  });

  test('advertises what it is told, with the bound port where none is given', async () => {
    await using networks = new Networks();
    const named = await networks.open({ advertise: '192.0.2.77' });
    expect(named.self).toBe(`192.0.2.77:${parseAddress(named.bound).port}`);
    expect((await networks.open({ advertise: '192.0.2.77:1234' })).self).toBe('192.0.2.77:1234');
    expect((await networks.open({ bind: 'localhost:0' })).self).toMatch(/^127\.0\.0\.1:/);
  });

  test.skipIf(!hasIpv6)(`keeps the families apart on [::] and 0.0.0.0${noIpv6}`, async () => {
    await using networks = new Networks();
    const six = await networks.open({ bind: '[::]:0', advertise: '[::1]' });
    const { port } = parseAddress(six.bound);
    const four = await networks.open({ bind: `0.0.0.0:${port}`, advertise: '127.0.0.1' }); // no conflict
    expect([six.bound, six.self, four.bound]).toEqual([`[::]:${port}`, `[::1]:${port}`, `0.0.0.0:${port}`]);
    const heard: string[] = [];
    six.transport.onReceive((from) => heard.push(`six from ${from}`));
    four.transport.onReceive((from) => heard.push(`four from ${from}`));
    six.transport.send(six.self, bytesOf('x'));
    four.transport.send(four.self, bytesOf('x'));
    four.transport.send(six.self, bytesOf('x'));
    await until(() => heard.length === 2, 'both hear themselves');
    expect(heard.toSorted()).toEqual([`four from 127.0.0.1:${port}`, `six from [::1]:${port}`]);
    expect(four.meter.droppedCount('send.other-family')).toBe(1);
  });

  test.skipIf(!hasIpv6)(`spells IPv6 addresses in one way${noIpv6}`, async () => {
    await using networks = new Networks();
    expect((await networks.open({ bind: '[0:0:0:0:0:0:0:1]:0' })).self).toMatch(/^\[::1\]:\d+$/);
  });
});

describe('datagrams', () => {
  test('that cannot be sent are counted and never throw', async () => {
    await using networks = new Networks();
    const network = await networks.open();
    const { transport, meter } = network;
    const closed = await networks.open();
    await closed.close();
    transport.send(closed.self, bytesOf('nobody listens there'));
    transport.send(address('node.example:7946'), bytesOf('names are resolved before'));
    transport.send(address('127.0.0.1:0'), bytesOf('x'));
    transport.send(address('203.0.113.1:9'), bytesOf('there is no way there from loopback'));
    transport.send(transport.self, new Uint8Array(1_401));
    await until(
      () => Object.keys(meter.report().dropped).some((reason) => reason.startsWith('send.E')),
      'a system error',
    );
    await network.close();
    transport.send(closed.self, bytesOf('x'));
    expect(meter.report().dropped).toMatchObject({ 'send.no-address': 2, 'send.too-long': 1, 'send.closed': 1 });
    const broadcast = await networks.open({ bind: '0.0.0.0:0', advertise: '127.0.0.1' });
    broadcast.transport.send(address('255.255.255.255:9'), bytesOf('x'));
    await until(() => broadcast.meter.droppedCount('send.EACCES') === 1, 'broadcasts are refused');
  });

  test('of the largest size that is allowed go through', async () => {
    await using networks = new Networks();
    const [a, b] = [await networks.open({ datagramBytesMax: 65_507 }), await networks.open()];
    let heard = 0;
    b.transport.onReceive((_, payload) => (heard = payload.length));
    a.transport.send(b.self, new Uint8Array(65_507));
    await until(() => heard > 0, 'it arrives');
    expect(heard).toBe(65_507);
  });

  test.skipIf(!hasLoopbackRange)(`from outside the allow-list are dropped and counted${noLoopbackRange}`, async () => {
    await using networks = new Networks();
    const guarded = await networks.open({ allow: ['127.0.0.9', '127.0.0.16/28'] });
    const [friend, stranger] = [await networks.open({ bind: '127.0.0.17:0' }), await networks.open()];
    const heard: string[] = [];
    guarded.transport.onReceive((from) => heard.push(from));
    stranger.transport.send(guarded.self, bytesOf('x'));
    stranger.transport.send(guarded.self, bytesOf('x'));
    friend.transport.send(guarded.self, bytesOf('x'));
    await until(() => heard.length === 1 && guarded.meter.droppedCount('receive.not-allowed') === 2, 'one of three');
    expect(heard).toEqual([friend.self]);
    expect(guarded.meter.report().total.packetsIn).toBe(1);
  });

  test('are counted as a packet capture counts them', async () => {
    await using networks = new Networks();
    const [a, b] = [await networks.open(), await networks.open()];
    let heard = 0;
    b.transport.onReceive(() => heard++);
    for (let count = 0; count < 10; count++) a.transport.send(b.self, new Uint8Array(100));
    await until(() => heard === 10, 'all arrive');
    expect(a.meter.report().total).toMatchObject({ packetsOut: 10, bytesOut: 1_280 });
    expect(b.meter.report().peers).toEqual([
      { address: a.self, packetsIn: 10, bytesIn: 1_280, packetsOut: 0, bytesOut: 0 },
    ]);
  });

  test.skipIf(!hasLoopbackRange)(
    `keep coming under a flood of senders, with bounded memory of who they were${noLoopbackRange}`,
    async () => {
      await using networks = new Networks();
      const target = await networks.open();
      let heard = 0;
      target.transport.onReceive(() => heard++);
      const port = parseAddress(target.self).port;
      for (let host = 1; host <= 100; host++) {
        const socket = createSocket('udp4').bind(0, `127.0.1.${host}`);
        await once(socket, 'listening');
        await new Promise((resolve) => socket.send('x', port, '127.0.0.1', resolve));
        socket.close();
      }
      await until(() => heard === 100, 'all are heard');
      expect(target.meter.report().peers).toHaveLength(100);
    },
  );
});

describe('closing', () => {
  test('leaves no handle behind: the process ends by itself, with streams open and a peer that does not answer', () => {
    const child = fileURLToPath(new URL('close-child.ts', import.meta.url));
    const startedAt = systemClock().now();
    const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', child];
    const done = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
    expect(done.stderr).toBe('');
    expect(done.status).toBe(0);
    const told = JSON.parse(done.stdout) as { closeMs: number; resources: string[] };
    expect(told.closeMs).toBeLessThan(1_000);
    expect(told.resources).toEqual([]);
    expect(systemClock().now() - startedAt).toBeLessThan(25_000);
  });

  test('may be asked for twice, also at the same time', async () => {
    await using networks = new Networks();
    const network = await networks.open();
    await Promise.all([network.close(), network.close(), network.transport.close()]);
    await expect(network.close()).resolves.toBeUndefined();
  });
});
