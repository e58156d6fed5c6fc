import type { Clock, Disk, Logger, Random, Streams, Transport } from '@grp/core';
import type { TransportOptions } from './datagrams.ts';

/** All that a node has of its world, for one life. What a dead life still calls does nothing. */
export interface Host {
  readonly name: string;
  /** IPv4, `10.a.b.c`. */
  readonly ip: string;
  /** 1 for the first life, one more after each restart. */
  readonly incarnation: number;
  readonly clock: Clock;
  /** Its own in each life. */
  readonly random: Random;
  readonly logger: Logger;
  /** Survives the node's crashes, as far as a disk does. */
  readonly disk: Disk;
  /**
   * Opens a port for datagrams; 0 takes a free one.
   * @throws GrpError SIM_PORT_IN_USE
   */
  readonly transport: (port: number, options?: TransportOptions) => Transport;
  /**
   * Opens a port for byte streams; 0 takes a free one.
   * @throws GrpError SIM_PORT_IN_USE
   */
  readonly streams: (port: number) => Streams;
  /** Ends this process as a crash does, for a node that must not go on. */
  readonly exit: (reason: string) => void;
  /**
   * True when a fault wants to happen at this named place: only in worlds with `buggify`, there for a quarter of the
   * names in each seed, and then with this probability (default 0.05).
   */
  readonly buggify: (name: string, probability?: number) => boolean;
}

/** Starts a node on a host. A promise may be returned by one that reads its disk first. */
export type Start<App> = (host: Host) => App | Promise<App>;
