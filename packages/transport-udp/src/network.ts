import { networkInterfaces } from 'node:os';
import { BandwidthMeter, formatAddress, silentLogger, systemClock } from '@grp/core';
import type { Address, Streams } from '@grp/core';
import { allowList } from './allow-list.ts';
import { bindPair, sharedPort } from './bind.ts';
import { ConnectedSockets } from './connected.ts';
import { UdpTransport, type RefusingTransport } from './datagrams.ts';
import { Origins } from './endpoints.ts';
import { networkConfig, type NetworkOptions, type NetworkSettings } from './options.ts';
import { isWildcard, resolveAdvertised, resolveBind, type InterfaceAddress } from './resolve.ts';
import { TcpStreams } from './streams.ts';

/** Datagrams and byte streams on one address of this host. */
export interface Network {
  /** With `connect` it also tells which peers’ ports are closed. */
  readonly transport: RefusingTransport;
  readonly streams: Streams;
  /** What was sent, received and dropped, by reason. */
  readonly meter: BandwidthMeter;
  /** Where peers reach this node: the advertised address. */
  readonly self: Address;
  /** Where the sockets are; `0.0.0.0` or `[::]` when they listen everywhere. */
  readonly bound: Address;
  /** Aborts the streams and releases both sockets, within a second whatever the peers do. May be called twice. */
  close(): Promise<void>;
}

/**
 * Opens a UDP socket and a TCP server on one port. Everything that can be wrong with the options is found before
 * anything is opened; what fails later leaves nothing open.
 * @throws GrpError CONFIG_INVALID, ADDRESS_INVALID, NETWORK_CIDR_INVALID, NETWORK_HOST_UNKNOWN,
 * NETWORK_ADVERTISE_UNKNOWN, NETWORK_ADVERTISE_INVALID, NETWORK_PORT_IN_USE, NETWORK_PERMISSION,
 * NETWORK_ADDRESS_UNAVAILABLE, NETWORK_FAMILY_UNSUPPORTED, NETWORK_BIND_FAILED
 * @example
 * const network = await openNetwork({ bind: '127.0.0.1:0' });
 * network.transport.onReceive((from, payload) => network.transport.send(from, payload));
 * await network.close();
 */
export async function openNetwork(options: NetworkOptions): Promise<Network> {
  const { bind, advertise, allow, clock = systemClock(), logger = silentLogger, ...given } = options;
  const { meter = new BandwidthMeter(clock), ...numbers } = given;
  const settings: NetworkSettings = networkConfig.resolve(numbers);
  const origins = new Origins(allowList(allow));
  const wanted = await resolveBind(bind);
  const advertised = await resolveAdvertised(advertise, wanted, interfaceAddresses);
  // Elsewhere a shared port does not hand each datagram to the socket that is connected to its sender.
  const isShared = settings.connect && process.platform === 'linux';
  const { udp, tcp, port } = await (isShared ? bindPair(wanted, sharedPort) : bindPair(wanted));

  const self = advertised(port);
  const { host, family } = wanted;
  const localHost = isWildcard(host) ? undefined : host;
  const shared = { self, family, origins, meter, logger, settings };
  const streams = new TcpStreams({ ...shared, server: tcp, localHost, clock });
  const connected = isShared ? new ConnectedSockets({ clock, settings, local: { host, port, family } }) : undefined;
  const transport = new UdpTransport({ ...shared, socket: udp, connected });
  return {
    transport,
    streams,
    meter,
    self,
    bound: formatAddress(host, port),
    async close() {
      await Promise.all([transport.close(), streams.close()]);
    },
  };
}

/** Byte streams of a program that only dials: nothing is bound, and nobody can come in. */
export function dialStreams(options: Pick<NetworkOptions, 'meter' | 'clock' | 'logger'> = {}): Streams {
  const { clock = systemClock(), logger = silentLogger } = options;
  const { meter = new BandwidthMeter(clock) } = options;
  const self = formatAddress('0.0.0.0', 0);
  const nobody = { server: undefined, family: undefined, localHost: undefined, origins: new Origins(allowList([])) };
  return new TcpStreams({ ...nobody, self, meter, clock, logger, settings: networkConfig.defaults });
}

function interfaceAddresses(): readonly InterfaceAddress[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
}
