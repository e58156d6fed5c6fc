import { defineConfig, type BandwidthMeter, type Clock, type ConfigOf, type Logger } from '@grp/core';

/** Sizes and limits of a network: unit, bounds and the reason of each default. */
export const networkConfig = defineConfig({
  datagramBytesMax: {
    default: 1_400,
    min: 64,
    max: 65_507,
    unit: 'bytes',
    reason: 'With headers it fits an Ethernet frame of 1,500 and most tunnels; memberlist has the same.',
  },
  socketBufferBytes: {
    default: 2_097_152,
    min: 4_096,
    max: 67_108_864,
    unit: 'bytes',
    reason: 'Linux gives 208 KiB, which about 90 datagrams fill; the system may grant less, and says so in the log.',
  },
  sendQueueBytesMax: {
    default: 1_048_576,
    min: 0,
    max: 67_108_864,
    unit: 'bytes',
    reason: 'Datagrams that the system does not take at once wait in memory; more is congestion, and old news by then.',
  },
  connect: {
    default: false,
    reason: 'Costs a socket per peer; pays for many datagrams between few peers. Linux only, ignored elsewhere.',
  },
  connectedPeersMax: {
    default: 64,
    min: 1,
    max: 4_096,
    unit: 'sockets',
    reason: 'One file descriptor (usually 1,024 in all) and one pair of buffers each; other peers share one socket.',
  },
  connectedIdleMs: {
    default: 30_000,
    min: 100,
    max: 3_600_000,
    unit: 'ms',
    reason: 'A connected socket that nothing passes for one to two such times is closed; the next send opens another.',
  },
  maxStreams: {
    default: 256,
    min: 0,
    max: 65_536,
    unit: 'incoming streams',
    reason: 'Bounds memory and file descriptors (usually 1,024) against a flood of connections.',
  },
  maxStreamsPerPeer: {
    default: 128,
    min: 0,
    max: 65_536,
    unit: 'incoming streams per IP address',
    reason: 'One host cannot take every slot, and a cluster on one host still works.',
  },
  streamBufferBytesMax: {
    default: 16_777_216,
    min: 65_536,
    max: 1_073_741_824,
    unit: 'bytes per stream',
    reason: 'A writer that does not heed `false` is cut off instead of filling the memory.',
  },
});

/** The numbers of `networkConfig`, all of them filled in. */
export type NetworkSettings = ConfigOf<typeof networkConfig.table>;

/** What `openNetwork` takes; all but `bind` has a default. */
export interface NetworkOptions extends Partial<NetworkSettings> {
  /**
   * `host:port`. Port 0 takes one free number for UDP and TCP both. `0.0.0.0` listens on every IPv4 address, `[::]` on
   * every IPv6 address and on no IPv4 one, on every system alike. A name with addresses of both families takes IPv4.
   */
  readonly bind: string;
  /** `host:port` or host (then the bound port) where peers reach this node. Default: the bound address. */
  readonly advertise?: string | undefined;
  /** CIDR ranges. Datagrams and incoming streams from elsewhere are dropped and counted. Default: everyone. */
  readonly allow?: readonly string[] | undefined;
  /** Counts traffic and drops. Default: a new one. */
  readonly meter?: BandwidthMeter | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
}
