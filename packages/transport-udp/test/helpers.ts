import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import {
  formatAddress,
  systemClock,
  type Address,
  type ByteStream,
  type StreamEnd,
  type StreamHandlers,
} from '@grp/core';
import { openNetwork, type Network, type NetworkOptions } from '@grp/transport-udp';

/** Whether `::1` can be used. */
export const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

/** Waits for a condition in real time. */
export async function until(condition: () => boolean, what: string, withinMs = 5_000): Promise<void> {
  const clock = systemClock();
  const deadline = clock.now() + withinMs;
  while (!condition()) {
    if (clock.now() > deadline) throw new Error(`never came true: ${what}`);
    await pass(5);
  }
}

/** Lets real time pass. */
export function pass(ms: number): Promise<void> {
  const clock = systemClock();
  return new Promise((resolve) => void clock.wakeAt(clock.now() + ms, resolve));
}

/** Networks that are closed at the end of the test, whatever happens. */
export class Networks implements AsyncDisposable {
  readonly #opened: { close(): Promise<void> }[] = [];

  async open(options: Partial<NetworkOptions> = {}): Promise<Network> {
    return this.add(await openNetwork({ bind: '127.0.0.1:0', ...options }));
  }

  add<Closable extends { close(): Promise<void> }>(closable: Closable): Closable {
    this.#opened.push(closable);
    return closable;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#opened.map((network) => network.close()));
  }
}

/** What one side of a stream heard. */
export class Heard implements StreamHandlers {
  stream: ByteStream | undefined;
  opened = false;
  ended = false;
  drained = 0;
  bytes = 0;
  text = '';
  closed: StreamEnd | undefined;

  onOpen = (): void => void (this.opened = true);
  onEnd = (): void => void (this.ended = true);
  onDrain = (): void => void this.drained++;
  onClose = (reason: StreamEnd): void => void (this.closed = reason);
  onData = (bytes: Uint8Array): void => {
    this.bytes += bytes.length;
    if (this.text.length < 1_000) this.text += new TextDecoder().decode(bytes);
  };
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const address = (text: string): Address => text as Address;

/** Why the IPv6 tests are skipped, for the report. */
export const noIpv6 = hasIpv6 ? '' : ' (skipped: this host has no IPv6 loopback)';

/** A process that listened and was stopped: its host completes a few handshakes and then answers no more. */
export interface SilentPeer {
  readonly address: Address;
  close(): Promise<void>;
}

/**
 * Starts a listener and stops it (SIGSTOP), as a hung machine. With `fill`, its backlog is filled first, so that
 * further dials hear nothing at all.
 */
export async function silentPeer(host: string, { fill }: { readonly fill: boolean }): Promise<SilentPeer> {
  const code = `const server = require('node:net').createServer();
    server.listen({ port: 0, host: '${host}', backlog: 1 }, () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  child.kill('SIGSTOP');
  const fillers: Socket[] = [];
  const fillerCount = fill ? 8 : 0;
  for (let count = 0; count < fillerCount; count++) {
    const filler = connect({ host, port });
    filler.on('error', () => {});
    fillers.push(filler);
    await Promise.race([once(filler, 'connect'), pass(100)]);
  }
  return {
    address: formatAddress(host, port),
    async close() {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Linux answers on all of 127.0.0.0/8; elsewhere one host cannot play several. */
export const hasLoopbackRange = process.platform === 'linux';
export const noLoopbackRange = hasLoopbackRange ? '' : ' (skipped: only 127.0.0.1 is local here)';
