// The shared suites of both ports, over real sockets on loopback, bare and behind the fault injector.
import { streamsConformance, transportConformance } from '@grp/sim';
import { systemClock, systemRandom } from '@grp/core';
import { injectFaults, openNetwork, type FaultSettings, type Network, type NetworkOptions } from '@grp/transport-udp';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { hasIpv6, noIpv6, silentPeer, type SilentPeer } from './helpers.ts';

const hosts = [
  { family: 'IPv4', host: '127.0.0.1', bind: '127.0.0.1:0' },
  { family: 'IPv6', host: '::1', bind: '[::1]:0' },
];
const faults: readonly (readonly [name: string, settings: Partial<FaultSettings> | undefined])[] = [
  ['bare', undefined],
  ['without faults', {}],
  ['delayed', { delayMs: 5, delayJitterMs: 5 }],
];

const connecting = { connect: true, connectedPeersMax: 8, connectedIdleMs: 200 };

for (const { family, host, bind } of hosts) {
  for (const [name, settings] of faults.slice(0, 2)) {
    describe.skipIf(family === 'IPv6' && !hasIpv6)(
      `${family}${family === 'IPv6' ? noIpv6 : ''}, connected, ${name}`,
      () => {
        transportConformance({
          name: 'transport',
          test,
          open: async () => {
            const [a, b] = [await openNode(bind, settings, connecting), await openNode(bind, settings, connecting)];
            const close = async (): Promise<void> => void (await Promise.all([a.close(), b.close()]));
            return { a: a.transport, b: b.transport, close };
          },
        });
      },
    );
  }
  for (const [name, settings] of faults) {
    if (family === 'IPv6' && name === 'without faults') continue; // says nothing that IPv4 did not
    describe.skipIf(family === 'IPv6' && !hasIpv6)(`${family}${family === 'IPv6' ? noIpv6 : ''}, ${name}`, () => {
      let silent: SilentPeer;
      beforeAll(async () => {
        silent = await silentPeer(host, { fill: true });
      });
      afterAll(() => silent.close());

      const openPair = async (): Promise<{ a: Network; b: Network; close: () => Promise<void> }> => {
        const [a, b] = [await openNode(bind, settings), await openNode(bind, settings)];
        const close = async (): Promise<void> => void (await Promise.all([a.close(), b.close()]));
        return { a, b, close };
      };
      transportConformance({
        name: 'transport',
        test,
        open: async () => {
          const { a, b, close } = await openPair();
          return { a: a.transport, b: b.transport, close };
        },
      });
      streamsConformance({
        name: 'streams',
        test,
        open: async () => {
          const { a, b, close } = await openPair();
          return { a: a.streams, b: b.streams, blackhole: silent.address, close };
        },
      });
    });
  }
}

async function openNode(
  bind: string,
  settings: Partial<FaultSettings> | undefined,
  options: Partial<NetworkOptions> = {},
): Promise<Network> {
  const network = await openNetwork({ bind, ...options });
  if (settings === undefined) return network;
  return injectFaults(network, { clock: systemClock(), random: systemRandom(), ...settings });
}
