import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { ClusterServer } from '@grp/chat';
import {
  type GrpError,
  Keyring,
  parseAddress,
  silentLogger,
  type ConfigOf,
  type HostPort,
  type Logger,
} from '@grp/core';
import type { DeliveryLevel } from '@grp/gms';
import type { SwimConfig, SwimPreset, Tags } from '@grp/swim';
import { nodeConfig, type NodeConfig } from './config.ts';
import { places, readCluster } from './cluster-config.ts';
import { nodeError, problemOf } from './errors.ts';
import type { NodeParts } from './ports.ts';
import { isLoopback } from './http/security.ts';
import { isSeed } from './seed.ts';
import type { RoleName, RoleTable } from './role.ts';
import { checkRoles, httpOffset, roles } from './roles.ts';
import { readKeyFile, readTokenFile } from './secrets.ts';

/** How to make a node. Everything but `roles` has a default. */
export interface NodeOptions {
  readonly roles: readonly RoleName[];
  /** Unique among the living members, `[A-Za-z0-9.-]{1,63}` (default: the advertised host and port joined by `-`). */
  readonly name?: string | undefined;
  /** Base address (default `127.0.0.1:7946`). Each role listens at its offset above; port 0 takes free ports. */
  readonly bind?: string | undefined;
  /** Where others reach the base address, when it is not `bind`. */
  readonly advertise?: string | undefined;
  /** Seeds: `host:port`, names with all their addresses, or `srv:_swim._udp.example` for SRV records. The node keeps trying until one answers. */
  readonly join?: readonly string[] | undefined;
  /** Where HTTP listens (default `127.0.0.1` and base port + 7; a free port when the base port is 0). */
  readonly http?: string | undefined;
  /** Kept between lives: who the peers were. Locked: one process per folder. Without it nothing is written to disk. */
  readonly dataDir?: string | undefined;
  /** Seals everything on the wire. Give this or `keyFile`. */
  readonly keyring?: Keyring | undefined;
  readonly keyFile?: string | undefined;
  /** Members with another label are strangers. */
  readonly label?: string | undefined;
  /** Timing of swim (default `lan`). */
  readonly preset?: SwimPreset | undefined;
  /** PEM files for HTTPS: certificate and key together; with `tlsCa` clients must show a certificate it has signed. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsCa?: string | undefined;
  /** Folder of the built console, which is then served at `/`. */
  readonly console?: string | undefined;
  /** A bearer token that HTTP clients must send. Needed where HTTP is reachable from other hosts. */
  readonly tokenFile?: string | undefined;
  /** Faults made on purpose from the start: probabilities 0 … 1, and ms. */
  readonly loss?: number | undefined;
  readonly delayMs?: number | undefined;
  readonly duplicate?: number | undefined;
  /** Of these faults: which datagram is lost or doubled then follows from it and `name` (default: from the host's chance). */
  readonly seed?: number | undefined;
  /** CIDR ranges from which datagrams and streams are taken (default: all). */
  readonly allow?: readonly string[] | undefined;
  readonly tags?: Tags | undefined;
  /** Name of the group of the role gms (default `default`): members of other groups are strangers. */
  readonly group?: string | undefined;
  /** When the role gms delivers (default `agreed`); all members of a group must say the same. */
  readonly delivery?: DeliveryLevel | undefined;
  /**
   * The file that names the first servers of the roles raft and chat, `cluster_config.json`; `name` says which one this is,
   * and its entry where it listens. Without it, a node without seeds is a group of one, and one with seeds waits to be added.
   */
  readonly clusterConfig?: string | undefined;
  /** False: this server begins with an empty disk, and waits to be added to its raft groups again (default true). */
  readonly bootstrap?: boolean | undefined;
  /**
   * Names of the nodes that begin as voters of the metadata of the role dfs, the same on all its nodes (default: the first
   * three of the cluster file; without one a node without seeds alone). The leader takes in the others as learners.
   */
  readonly dfsVoters?: readonly string[] | undefined;
  /** Of the role dfs: blobs of an earlier life are kept when they are still wanted, whoever else holds them (default false). */
  readonly keepBlocks?: boolean | undefined;
  /** Other things being equal, the server with the greatest leads (default 0). */
  readonly priority?: number | undefined;
  /** Writes what the node sends, receives, delivers and decides to this file, for `grp lab replay` and `export`. */
  readonly record?: string | undefined;
  /** Settings of swim over its preset. */
  readonly swim?: Partial<SwimConfig> | undefined;
  /** Limits and timings of the node itself: `nodeConfig`. */
  readonly config?: Partial<NodeConfig> | undefined;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
}

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
}

/** Options that have been checked, with the defaults filled in and the files read. */
export interface ResolvedOptions {
  readonly given: NodeOptions;
  readonly roles: readonly RoleName[];
  readonly base: HostPort;
  readonly http: HostPort;
  readonly seeds: readonly string[];
  /** The servers that the cluster file names; none without one. */
  readonly cluster: readonly ClusterServer[];
  /** The host and port that a role listens on; port 0: a free one. */
  readonly hostOf: (role: RoleName) => string;
  readonly portOf: (role: RoleName) => number;
  readonly keyring: Keyring | undefined;
  readonly token: string | undefined;
  readonly tls: TlsFiles | undefined;
  readonly config: ConfigOf<typeof nodeConfig.table>;
  readonly logger: Logger;
}

/** Checks everything that can be checked before a socket is opened. @throws GrpError naming the option */
export async function resolveOptions(
  given: NodeOptions,
  parts: Pick<NodeParts, 'aead' | 'random'>,
  table: RoleTable = roles,
): Promise<ResolvedOptions> {
  const names = checkRoles(given.roles, table);
  const cluster = await readCluster(given);
  // By a cluster file alone several servers of one host can be started: what it does not say must not collide.
  const base = parseAddress(given.bind ?? (cluster.length === 0 ? '127.0.0.1:7946' : '127.0.0.1:0'), 7946);
  const http = httpAddress(given.http, base);
  checkPorts(base, Math.max(...names.map((name) => table[name].offset)));
  const seeds = given.join ?? [];
  for (const seed of seeds) {
    if (!isSeed(seed)) throw wrong('join', `${JSON.stringify(seed)} is not host:port`);
  }
  const token = given.tokenFile === undefined ? undefined : await readTokenFile(given.tokenFile);
  if (token === undefined && !isLoopback(http.host)) {
    throw nodeError('NODE_TOKEN_NEEDED', { context: { host: http.host } });
  }
  return {
    given,
    roles: names,
    base,
    http,
    seeds,
    cluster,
    ...places({ given, base, cluster, table }),
    token,
    keyring: await keyringOf(given, parts),
    tls: await readTls(given),
    config: nodeConfig.resolve(given.config),
    logger: given.logger ?? silentLogger,
  };
}

function httpAddress(given: string | undefined, base: HostPort): HostPort {
  if (given !== undefined) return parseAddress(given, base.port === 0 ? 0 : base.port + httpOffset);
  return { host: '127.0.0.1', port: base.port === 0 ? 0 : base.port + httpOffset };
}

function checkPorts(base: HostPort, offsetMax: number): void {
  if (base.port !== 0 && base.port + Math.max(offsetMax, httpOffset) > 65_535) {
    throw wrong(
      'bind',
      `the base port ${base.port} leaves no room for the ports of the roles, up to ${httpOffset} above`,
    );
  }
}

async function keyringOf(given: NodeOptions, parts: Pick<NodeParts, 'aead' | 'random'>): Promise<Keyring | undefined> {
  if (given.keyFile === undefined) return given.keyring;
  if (given.keyring !== undefined) throw wrong('keyFile', 'give a key file or a keyring, not both');
  return new Keyring({ ...parts, keys: await readKeyFile(given.keyFile) });
}

async function readTls({ tlsCert, tlsKey, tlsCa }: NodeOptions): Promise<TlsFiles | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) {
    if (tlsCa !== undefined) throw wrong('tlsCa', 'it says whose clients are let in, and needs tlsCert and tlsKey too');
    return undefined;
  }
  if (tlsCert === undefined || tlsKey === undefined) throw wrong('tlsCert', 'certificate and key go together');
  const [cert, key, ca] = await Promise.all([
    readPem(tlsCert),
    readPem(tlsKey),
    tlsCa === undefined ? undefined : readPem(tlsCa),
  ]);
  try {
    createSecureContext({ cert, key, ...(ca === undefined ? {} : { ca }) });
  } catch (cause) {
    throw nodeError('NODE_TLS_INVALID', { context: { problem: cause instanceof Error ? cause.message : 'unknown' } });
  }
  return { cert, key, ca };
}

async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw nodeError('NODE_FILE_UNREADABLE', { context: { file, problem: problemOf(cause) }, cause });
  }
}

function wrong(option: string, problem: string): GrpError {
  return nodeError('NODE_OPTION_INVALID', { context: { option, problem } });
}
