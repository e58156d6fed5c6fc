// What the system does to a sender only under pressure, played by a socket that is none.
import type { Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { BandwidthMeter, type LogFields } from '@grp/core';
import { describe, expect, test } from 'vitest';
import { allowList } from '../src/allow-list.ts';
import { UdpTransport } from '../src/datagrams.ts';
import { Origins } from '../src/endpoints.ts';
import { networkConfig } from '../src/options.ts';
import { address, bytesOf } from './helpers.ts';

type SendCallback = (error: Error | null) => void;

class FakeSocket extends EventEmitter {
  queueBytes = 0;
  grantedBytes = 4_194_304;
  sent: { payload: Uint8Array; callback: SendCallback }[] = [];
  throws: Error | undefined;

  getSendQueueSize = (): number => this.queueBytes;
  getRecvBufferSize = (): number => this.grantedBytes;
  setSendBufferSize = (): void => {};

  setRecvBufferSize(): void {
    if (this.grantedBytes === 0) throw systemError('ENOBUFS');
  }

  send(payload: Uint8Array, _port: number, _host: string, callback: SendCallback): void {
    if (this.throws !== undefined) throw this.throws;
    this.sent.push({ payload, callback });
  }

  close(callback: () => void): void {
    queueMicrotask(callback);
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const to = address('10.0.0.2:7946');

function rig(grantedBytes?: number): {
  socket: FakeSocket;
  meter: BandwidthMeter;
  transport: UdpTransport;
  logged: [string, LogFields | undefined][];
} {
  const socket = new FakeSocket();
  if (grantedBytes !== undefined) socket.grantedBytes = grantedBytes;
  const meter = new BandwidthMeter({ wallMs: () => 0 });
  const logged: [string, LogFields | undefined][] = [];
  const transport = new UdpTransport({
    socket: socket as unknown as Socket,
    connected: undefined,
    self: address('10.0.0.1:7946'),
    family: 4,
    origins: new Origins(allowList(undefined)),
    meter,
    logger: { log: (_level, event, fields) => logged.push([event, fields]) },
    settings: networkConfig.defaults,
  });
  return { socket, meter, transport, logged };
}

describe('sending', () => {
  test('stops at a full queue, and goes on when the system has taken it', () => {
    const { socket, meter, transport } = rig();
    socket.queueBytes = networkConfig.defaults.sendQueueBytesMax + 1;
    transport.send(to, bytesOf('x'));
    socket.queueBytes = 0;
    transport.send(to, bytesOf('y'));
    expect([socket.sent.length, meter.droppedCount('send.queue-full')]).toEqual([1, 1]);
    expect(meter.report().total.packetsOut).toBe(1);
  });

  test('counts what the system refuses, at once or later, and throws nothing', () => {
    const { socket, meter, transport } = rig();
    transport.send(to, bytesOf('x'));
    for (const code of ['ENOBUFS', 'ENETUNREACH', 'ECONNREFUSED', 'EMSGSIZE'])
      socket.sent[0]?.callback(systemError(code));
    socket.throws = systemError('ERR_SOCKET_DGRAM_NOT_RUNNING');
    transport.send(to, bytesOf('x'));
    socket.throws = new Error('without a code');
    transport.send(to, bytesOf('x'));
    socket.emit('error', systemError('ECONNRESET'));
    expect(meter.report().dropped).toEqual({
      'send.ENOBUFS': 1,
      'send.ENETUNREACH': 1,
      'send.ECONNREFUSED': 1,
      'send.EMSGSIZE': 1,
      'send.ERR_SOCKET_DGRAM_NOT_RUNNING': 1,
      'send.UNKNOWN': 1,
      'receive.ECONNRESET': 1,
    });
  });

  test('does not overwrite what the system has not taken yet', () => {
    const { socket, transport } = rig();
    transport.send(to, bytesOf('one')); // the system takes it later: it still lies where it was staged
    socket.queueBytes = 3;
    transport.send(to, bytesOf('two'));
    transport.send(to, bytesOf('six'));
    const texts = socket.sent.map(({ payload }) => new TextDecoder().decode(payload));
    expect(texts).toEqual(['one', 'two', 'six']);
  });

  test('keeps a copy while the system waits', () => {
    const { socket, transport } = rig();
    const buffer = bytesOf('now');
    transport.send(to, buffer);
    buffer.fill(0);
    expect(new Uint8Array(socket.sent[0]?.payload ?? [])).toEqual(bytesOf('now'));
  });
});

describe('receiving', () => {
  test('gives plain bytes, which `slice` copies, and counts what nobody listens to', () => {
    const { socket, meter, transport } = rig();
    const heard: Uint8Array[] = [];
    const origin = { address: '10.0.0.2', port: 7_946, family: 'IPv4', size: 1 };
    socket.emit('message', Buffer.from('early'), origin);
    transport.onReceive((_, payload) => heard.push(payload));
    socket.emit('message', Buffer.from('hello'), origin);
    expect(heard).toHaveLength(1);
    expect(heard[0]?.constructor).toBe(Uint8Array);
    expect(heard[0]).toEqual(bytesOf('hello'));
    expect(meter.droppedCount('receive.no-listener')).toBe(1);
    expect(meter.report().total.packetsIn).toBe(2);
  });
});

test('closing is over once the socket says so, however often it is asked for', async () => {
  const { transport, meter } = rig();
  await Promise.all([transport.close(), transport.close()]);
  transport.send(to, bytesOf('x'));
  expect(meter.report().dropped).toEqual({ 'send.closed': 1 });
});

describe('socket buffers', () => {
  test('that are smaller than asked, or refused, are logged and lived with', () => {
    expect(rig().logged).toEqual([]);
    expect(rig(8_192).logged[0]?.[0]).toBe('network.buffer-smaller');
    expect(rig(0).logged).toEqual([['network.buffer-refused', { wantedBytes: 2_097_152, code: 'ENOBUFS' }]]);
  });
});
