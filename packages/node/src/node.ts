import type { Cancel, GrpError } from '@grp/core';
import type { Group } from '@grp/gms';
import type { Swim } from '@grp/swim';
import type { NodeStatus } from './status.ts';

/** How a node stops. */
export interface StopOptions {
  /** Tell the others (default); false vanishes as a crash would. */
  readonly leave?: boolean | undefined;
  /** How long the leave may take (default `leaveTimeoutMs` of `nodeConfig`); closing takes up to three seconds more. */
  readonly timeoutMs?: number | undefined;
}

/** A running node: its roles, its HTTP API, and one lifecycle. */
export interface Node {
  readonly name: string;
  /** The membership; undefined without the role swim. */
  readonly swim: Swim | undefined;
  /** The group; undefined without the role gms. */
  readonly gms: Group | undefined;
  /** The URL of the HTTP API, which answers from the moment the node is made. */
  readonly http: string;
  status(): NodeStatus;
  /**
   * Starts the roles. Resolves when the first attempt to join is over; when that failed, further ones go on in the
   * background: see `ready`. A second call gives the same promise.
   * @throws GrpError SWIM_NAME_TAKEN, NODE_STOPPED, whatever else ended the node
   */
  start(): Promise<void>;
  /**
   * Resolves when the node serves: once a seed has answered, or, without seeds, once it is started.
   * @throws GrpError as `start`
   */
  ready(): Promise<void>;
  /**
   * Leaves, then closes everything. Bounded, never rejects, and may be called at any time and again; a later call with
   * `leave: false` cuts a leave short.
   */
  stop(options?: StopOptions): Promise<void>;
  /** Tells once that the node has stopped, with the error that ended it or undefined; at once when it has already. */
  onStopped(listener: (cause: GrpError | undefined) => void): Cancel;
}
