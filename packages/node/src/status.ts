import { readFileSync } from 'node:fs';
import type { NodeId } from '@grp/core';
import type { NodeFaults } from './faults.ts';
import type { RoleName } from './role.ts';

/** `starting`: nothing is announced yet, or the first attempt to join is under way. */
export type NodeState = 'starting' | 'running' | 'stopping' | 'stopped';

/** A node at a glance; `/v1/node/status` gives the same. */
export interface NodeStatus {
  readonly name: string;
  /** One life of the node: `name#startedAt`. */
  readonly id: NodeId;
  readonly state: NodeState;
  readonly roles: readonly RoleName[];
  readonly pid: number;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly uptimeMs: number;
  /** The URL of the HTTP API. */
  readonly http: string;
  /** Role → port, and `http`. */
  readonly ports: Readonly<Partial<Record<RoleName | 'http', number>>>;
  /** All roles serve. With seeds: one of them has answered. */
  readonly ready: boolean;
  readonly faults: NodeFaults;
}

/** The version of this package. */
export function packageVersion(): string {
  // Beside `src` and beside `dist`.
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
