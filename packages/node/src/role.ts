import type { Clock, Logger, NodeId, Random } from '@grp/core';
import type { Group } from '@grp/gms';
import type { Swim } from '@grp/swim';
import type { Network } from '@grp/transport-udp';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { DataDir } from './data-dir.ts';
import type { NodeEventBody } from './http/event-hub.ts';
import type { ResolvedOptions } from './options.ts';
import type { NodeParts } from './ports.ts';
import type { RaftHost } from './raft/raft-host.ts';
import type { Recorder } from './record/recorder.ts';

/** Every role that grp knows; `roles` says which ones this version can run. */
export type RoleName = 'swim' | 'gms' | 'messenger' | 'tracker' | 'raft' | 'chat' | 'dfs';

/** What a role is given to build itself with. */
export interface RoleContext {
  readonly name: string;
  /** One life of the node: swim's id of it, or `name#startedAt` without swim. */
  readonly id: NodeId;
  readonly options: ResolvedOptions;
  /** This role's own port; that of raft for a role that opens its own. */
  readonly network: Network;
  /** The ports of all roles of this node. */
  readonly ports: Readonly<Partial<Record<RoleName, number>>>;
  readonly parts: NodeParts;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly dataDir: DataDir | undefined;
  /** The membership, for the roles after swim in the table. */
  readonly swim: Swim | undefined;
  /** The raft groups of this node, for roles with `peers`. */
  readonly raft: () => RaftHost;
  /** Takes down what passes, when the node was told to record. */
  readonly recorder: Recorder | undefined;
  /** Tells the event stream. */
  readonly publish: (event: NodeEventBody) => void;
  /** Something cannot go on: the node stops, with this as the cause. */
  readonly fail: (cause: unknown) => void;
  /** `ready` may have changed. */
  readonly noteReady: () => void;
}

export interface RoleStop {
  /** Tell the others; otherwise vanish as a crash would. */
  readonly leave: boolean;
  readonly timeoutMs: number;
  /** Aborts when somebody does not want to wait for the leave any longer. */
  readonly signal: AbortSignal;
}

/** A role that has been built. Building announces nothing; `start` does. */
export interface RunningRole {
  readonly swim?: Swim;
  readonly gms?: Group;
  /** Of a role that has opened its own. */
  readonly port?: number;
  start(): Promise<void>;
  /** Bounded by the node, whatever it does. */
  stop(options: RoleStop): Promise<void>;
  /** It serves: what `/readyz` asks. */
  ready(): boolean;
  /** Its part of the HTTP API, below `/v1/<role>/`. */
  routes?(app: FastifyInstance): void;
  metrics?(registry: Registry): void;
}

/** Where a role listens, and how it is built. */
export interface RoleDefinition {
  /** Added to the base port. */
  readonly offset: number;
  readonly protocols: readonly ('udp' | 'tcp')[];
  /** Much traffic between few peers: a socket for each. */
  readonly connects?: boolean;
  /** Incoming streams that the port takes, in all and from one IP address (default: the network's own). */
  readonly streams?: { readonly maxStreams: number; readonly maxStreamsPerPeer: number };
  /** It keeps raft logs: the node opens the port of raft, once for all such roles. */
  readonly peers?: boolean;
  /** It opens its port by itself, so that faults made on purpose do not reach it. */
  readonly opensPort?: boolean;
  /** Roles that it cannot do without: they run along. */
  readonly needs?: readonly RoleName[];
  /** Absent: known, but not in this version. */
  readonly build?: (context: RoleContext) => Promise<RunningRole> | RunningRole;
}

/** Every role with its definition. */
export type RoleTable = Readonly<Record<RoleName, RoleDefinition>>;
