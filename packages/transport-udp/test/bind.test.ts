import type { Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import type { Server } from 'node:net';
import { describe, expect, test } from 'vitest';
import { bindPair, type Binders } from '../src/bind.ts';
import type { Endpoint } from '../src/endpoints.ts';

class FakeUdp extends EventEmitter {
  closed = false;
  readonly #port: number;

  constructor(port: number) {
    super();
    this.#port = port;
  }

  address(): { port: number } {
    return { port: this.#port };
  }

  close(): void {
    this.closed = true;
    queueMicrotask(() => this.emit('close'));
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Binders whose TCP half fails with these codes in turn, then works. */
function binders(tcpCodes: readonly string[], udpCode?: string): Binders & { readonly opened: FakeUdp[] } {
  const opened: FakeUdp[] = [];
  const codes = [...tcpCodes];
  return {
    opened,
    udp: async ({ port }) => {
      if (udpCode !== undefined) throw systemError(udpCode);
      const socket = new FakeUdp(port === 0 ? 40_000 + opened.length : port);
      opened.push(socket);
      return socket as unknown as Socket;
    },
    tcp: async ({ port }) => {
      const code = codes.shift();
      if (code !== undefined) throw systemError(code);
      return { port } as unknown as Server;
    },
  };
}

const free: Endpoint = { host: '127.0.0.1', port: 0, family: 4 };
const low: Endpoint = { host: '::1', port: 80, family: 6 };

describe('one port for both', () => {
  test('is looked for again when the number is taken for TCP, and every failed socket is closed', async () => {
    const fake = binders(['EADDRINUSE', 'EADDRINUSE']);
    const { port, tcp } = await bindPair(free, fake);
    expect([port, (tcp as unknown as { port: number }).port]).toEqual([40_002, 40_002]);
    expect(fake.opened.map(({ closed }) => closed)).toEqual([true, true, false]);
  });

  test('is given up after 32 attempts', async () => {
    const fake = binders(Array.from({ length: 100 }, () => 'EADDRINUSE'));
    await expect(bindPair(free, fake)).rejects.toMatchObject({ code: 'NETWORK_PORT_IN_USE' });
    expect(fake.opened).toHaveLength(32);
    expect(fake.opened.every(({ closed }) => closed)).toBe(true);
  });

  test('is not looked for elsewhere when it was asked for, nor after another error', async () => {
    const asked = binders(['EADDRINUSE']);
    await expect(bindPair({ ...free, port: 7_946 }, asked)).rejects.toThrow('TCP port 7946 on 127.0.0.1 is taken');
    const denied = binders(['EACCES']);
    await expect(bindPair(free, denied)).rejects.toMatchObject({ code: 'NETWORK_PERMISSION' });
    expect([asked.opened.length, denied.opened.length]).toEqual([1, 1]);
  });
});

test.each([
  ['EADDRINUSE', 'NETWORK_PORT_IN_USE', 'conflict'],
  ['EACCES', 'NETWORK_PERMISSION', 'denied'],
  ['EPERM', 'NETWORK_PERMISSION', 'denied'],
  ['EADDRNOTAVAIL', 'NETWORK_ADDRESS_UNAVAILABLE', 'usage'],
  ['EAFNOSUPPORT', 'NETWORK_FAMILY_UNSUPPORTED', 'usage'],
  ['EMFILE', 'NETWORK_BIND_FAILED', 'failure'],
])('the system’s %s is %s', async (system, code, kind) => {
  const failure = await bindPair(low, binders([], system)).catch((cause: unknown) => cause);
  expect(failure).toMatchObject({ code, kind, cause: { code: system } });
  expect((failure as Error).message).not.toContain('$');
});
