import type { Address, StreamEnd, Transport } from '@grp/core';
import type { Host, World } from '@grp/sim';

export const port = 7_946;

/** Sends a numbered datagram to each peer every period, and counts what it hears. */
export interface Talker {
  readonly host: Host;
  readonly transport: Transport;
  /** `from#number`, in the order of arrival. */
  readonly heard: string[];
  sent: number;
  lastAt: number;
  /** By hand, for tests without a period. */
  send(to: Address, number?: number): void;
}

export function talker(peers: readonly Address[] = [], periodMs = 10) {
  return (host: Host): Talker => {
    const transport = host.transport(port);
    const app: Talker = {
      host,
      transport,
      heard: [],
      sent: 0,
      lastAt: 0,
      send(to, number = app.sent++) {
        const payload = new Uint8Array(8);
        new DataView(payload.buffer).setFloat64(0, number);
        transport.send(to, payload);
      },
    };
    transport.onReceive((from, payload) => {
      app.heard.push(`${from.split(':')[0]}#${new DataView(payload.buffer).getFloat64(0)}`);
      app.lastAt = host.clock.now();
    });
    const tick = (): void => {
      for (const peer of peers) if (peer !== transport.self) app.send(peer);
      host.clock.wakeAt(host.clock.now() + periodMs, tick);
    };
    if (peers.length > 0) tick();
    return app;
  };
}

export const addressOf = (index: number): Address => `10.0.0.${index}:${port}` as Address;

/** Dials a node and keeps what happens. */
export function dialling(world: World<unknown>, from: string, to: Address, timeoutMs?: number) {
  const log: string[] = [];
  const closed: { reason?: StreamEnd; at?: number } = {};
  const streams = world.host(from).streams(0);
  const stream = streams.dial(
    to,
    {
      onOpen: () => log.push(`open@${Math.round(world.now)}`),
      onData: (bytes) => log.push(`data ${bytes.length}`),
      onEnd: () => log.push('end'),
      onDrain: () => log.push('drain'),
      onClose: (reason) => {
        closed.reason = reason;
        closed.at = world.now;
      },
    },
    timeoutMs === undefined ? {} : { timeoutMs },
  );
  return { stream, log, closed };
}

/** Accepts streams and counts their bytes. */
export interface Server {
  bytes: number;
  ends: number;
  readonly closed: StreamEnd[];
}

export function server(host: Host): Server {
  const app: Server = { bytes: 0, ends: 0, closed: [] };
  host.streams(port).onAccept((stream) => ({
    onData: (bytes) => (app.bytes += bytes.length),
    onEnd: () => {
      app.ends++;
      stream.end();
    },
    onClose: (reason) => app.closed.push(reason),
  }));
  return app;
}
