import { mkdir } from 'node:fs/promises';
import { parseAddress, type Address, type Clock, type Logger, type Random } from '@grp/core';
import { createRaft, RaftNetwork, type Raft, type RaftEvent, type StateMachine } from '@grp/raft';
import { openLog, type Log } from '@grp/storage';
import { nodeDisk, type NodeDisk } from '@grp/storage/node';
import type { Network } from '@grp/transport-udp';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { DataDir } from '../data-dir.ts';
import { nodeError } from '../errors.ts';
import type { NodeEventBody } from '../http/event-hub.ts';
import { raftRoutes } from '../http/raft-routes.ts';
import { raftMetrics } from '../metrics/raft-metrics.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Recorder } from '../record/recorder.ts';
import { tapStateMachine } from '../record/log-entries.ts';
import { RecordedRaftNetwork } from '../record/raft-tap.ts';
import type { RoleStop } from '../role.ts';
import { settlesWithin, sleep } from '../waiting.ts';
import { logFolder } from './log-folder.ts';
import { identify, type Beginning, type Identity } from './server-id.ts';

const snapshotPollMs = 20;

/** What all groups of a node share. */
export interface RaftHostParts {
  /** The node's name: also its id in a group, unless its disk was emptied. */
  readonly name: string;
  readonly options: ResolvedOptions;
  /** The port of raft. */
  readonly network: Network;
  readonly dataDir: DataDir | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly recorder?: Recorder | undefined;
  readonly publish: (event: NodeEventBody) => void;
  readonly fail: (cause: unknown) => void;
  readonly noteReady: () => void;
}

export interface OpenOptions {
  /** Who the server is when its folder is empty (default: as the cluster file and the seeds say). */
  readonly begin?: Beginning | undefined;
  /** What an entry did, by its bytes and its answer, for recordings. */
  readonly describe?: ((command: Uint8Array, answer: Uint8Array) => readonly string[]) | undefined;
  /** Newest entries kept in memory for followers that are a little behind (default: as storage and raft have it). */
  readonly cacheBytesMax?: number | undefined;
}

interface GroupParts extends RaftHostParts, Pick<OpenOptions, 'begin' | 'cacheBytesMax'> {
  readonly dataDir: DataDir;
}

/** The raft groups of one node, which share its port of raft, its HTTP API and its metrics. */
export class RaftHost {
  readonly #parts: RaftHostParts;
  readonly #network: RaftNetwork;
  readonly #groups = new Map<string, HostedGroup>();
  #isRouted = false;
  #isMeasured = false;

  constructor(parts: RaftHostParts) {
    const { network, clock, logger, recorder } = parts;
    this.#parts = parts;
    const ports = { streams: network.streams, clock, logger };
    this.#network = recorder === undefined ? new RaftNetwork(ports) : new RecordedRaftNetwork(ports, recorder);
  }

  get groups(): readonly HostedGroup[] {
    return [...this.#groups.values()];
  }

  /** Messages, streams and bytes from peers that were of no use. */
  get droppedCount(): number {
    return this.#network.droppedCount;
  }

  /** Prepares a group; nothing is opened before its `start`. @throws GrpError NODE_DATA_DIR_NEEDED */
  open(group: string, stateMachine: StateMachine, { begin, describe, cacheBytesMax }: OpenOptions = {}): HostedGroup {
    const { dataDir, recorder } = this.#parts;
    // A server that forgets what it has promised breaks the promises of all.
    if (dataDir === undefined) throw nodeError('NODE_DATA_DIR_NEEDED', { context: { group } });
    const machine = recorder === undefined ? stateMachine : tapStateMachine(group, stateMachine, recorder, describe);
    const hosted = new HostedGroup({ ...this.#parts, dataDir, begin, cacheBytesMax }, this.#network, group, machine);
    this.#groups.set(group, hosted);
    return hosted;
  }

  /** `/v1/raft/…`, once for all groups. */
  routes(app: FastifyInstance): void {
    if (this.#isRouted) return;
    this.#isRouted = true;
    raftRoutes(app, this);
  }

  metrics(registry: Registry): void {
    if (this.#isMeasured) return;
    this.#isMeasured = true;
    raftMetrics(this, registry);
  }
}

interface Life {
  readonly raft: Raft;
  readonly log: Log;
  readonly disk: NodeDisk;
}

/** One group: its log in the data folder, its server, and what the node tells of it. */
export class HostedGroup {
  readonly name: string;
  readonly #parts: GroupParts;
  readonly #network: RaftNetwork;
  readonly #stateMachine: StateMachine;
  #life: Life | undefined;
  #identity: Identity | undefined;
  #leaderChanges = 0;
  #isStopped = false;
  /** Hears what the group's server does, besides the node. */
  onEvent: (event: RaftEvent) => void = () => {};

  constructor(parts: GroupParts, network: RaftNetwork, name: string, stateMachine: StateMachine) {
    this.#parts = parts;
    this.#network = network;
    this.name = name;
    this.#stateMachine = stateMachine;
  }

  get nodeName(): string {
    return this.#parts.name;
  }

  /** The server. @throws GrpError RAFT_STARTING before `start` is through */
  get raft(): Raft {
    if (this.#life === undefined) throw nodeError('RAFT_STARTING', { context: { group: this.name } });
    return this.#life.raft;
  }

  get leaderChanges(): number {
    return this.#leaderChanges;
  }

  /** It may serve: it has read its disk, and lacks nothing of what it has promised to keep. */
  get serving(): boolean {
    try {
      return !this.raft.status().isRecovering;
    } catch {
      return false; // not started, or ended
    }
  }

  /** Where clients of this group's service find the leader: as the cluster file says, else the port after raft's. */
  leaderClientAddress(): Address | undefined {
    if (!this.serving) return undefined;
    const { leader, configuration } = this.raft.status();
    const peer = leader === undefined ? undefined : configuration.addresses[leader];
    if (peer === undefined) return undefined;
    const known = this.#parts.options.cluster.find((server) => server.peer === peer);
    if (known !== undefined) return known.client;
    const { host, port } = parseAddress(peer);
    return `${host.includes(':') ? `[${host}]` : host}:${port + 1}` as Address;
  }

  /** Reads the disk and takes part. @throws GrpError what is wrong with the disk */
  async start(): Promise<void> {
    const { dataDir, clock, random, logger, options, network, begin, cacheBytesMax } = this.#parts;
    const folder = logFolder(dataDir.folder, this.name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const identity = await identify(folder, { name: this.#parts.name, options, address: network.self, begin });
    if (this.#isStopped) return;
    this.#identity = identity;
    const disk = nodeDisk(folder);
    const cache = cacheBytesMax === undefined ? {} : { cacheBytesMax };
    const log = await openLog({ disk, clock, logger, exclusive: false, config: cache }); // the data folder is locked already
    const defer = (callback: () => void): void => void setImmediate(callback);
    const raft = createRaft(
      { log, network: this.#network, clock, random: random.fork(`raft-${this.name}`), logger, defer },
      {
        id: identity.id,
        group: this.name,
        stateMachine: this.#stateMachine,
        address: identity.address,
        priority: options.given.priority ?? 0,
        config: cache,
        ...(options.given.preset === 'wan' ? { preset: 'wan' } : {}),
        ...(identity.bootstrap && { bootstrap: identity.bootstrap }),
      },
    );
    raft.on((event) => this.#heed(event));
    await raft.start();
    this.#life = { raft, log, disk };
    if (identity.bootstrap === undefined && raft.status().lastIndex === 0)
      logger.log('info', 'raft.waits', { group: this.name, id: identity.id, address: identity.address });
    this.#parts.noteReady();
  }

  /** Hands leadership over when there is time for it, then closes the log. */
  async stop({ leave, timeoutMs, signal }: RoleStop): Promise<void> {
    this.#isStopped = true;
    const life = this.#life;
    if (life === undefined) return;
    const { clock, logger } = this.#parts;
    if (leave) {
      const left = await settlesWithin(clock, this.handOver(), { ms: timeoutMs, signal });
      if (!left) logger.log('warn', 'raft.handover-cut-short', { group: this.name });
    }
    await life.raft.stop();
    await life.log.close();
    life.disk.close();
  }

  /** Takes a snapshot of what is applied now. False: it was not there within `timeoutMs`. */
  async takeSnapshot(timeoutMs: number): Promise<boolean> {
    const { clock } = this.#parts;
    const deadline = clock.now() + timeoutMs;
    const { appliedIndex } = this.raft.status();
    if (this.raft.status().snapshotIndex >= appliedIndex) return true;
    this.raft.snapshot();
    while (this.raft.status().snapshotIndex < appliedIndex) {
      if (clock.now() > deadline) return false;
      await sleep(clock, snapshotPollMs);
    }
    return true;
  }

  /** Gives leadership to another voter, if this server leads and there is one. */
  async handOver(): Promise<void> {
    if (!this.serving) return;
    const { role, configuration } = this.raft.status();
    if (role === 'leader' && configuration.voters.length > 1) await this.raft.transfer();
  }

  #heed(event: RaftEvent): void {
    const { publish, logger, fail, noteReady } = this.#parts;
    const { name: group } = this;
    if (event.type === 'role') {
      const { role, term, leader = null } = event;
      if (leader !== null) this.#leaderChanges++;
      logger.log('info', 'raft.role', { group, role, term, leader: leader ?? '' });
      publish({ noun: 'raft', type: 'role', group, id: this.#identity?.id, role, term, leader });
    } else if (event.type === 'configuration') {
      const { voters, learners } = event.configuration;
      publish({ noun: 'raft', type: 'configuration', group, index: event.index, voters, learners });
    } else if (event.type === 'recovered') {
      logger.log('info', 'raft.recovered', { group });
      publish({ noun: 'raft', type: 'recovered', group });
      noteReady();
    } else if (event.type === 'fault') fail(event.error);
    this.onEvent(event);
  }
}
