import type { Clock, Random } from '@grp/core';
import type { RaftPreset } from '@grp/raft';
import type { MaelstromBody } from './protocol.ts';

/** How a request is answered: once, now or later. What is said after that is ignored. */
export interface Reply {
  /** `fields` go beside `type`, which is that of the request with `_ok` behind it. */
  ok(fields?: object): void;
  /** @param code one of `maelstromErrors` */
  error(code: number, text: string): void;
}

/** What a workload knows of the node that it runs on. */
export interface WorkloadContext {
  readonly self: string;
  /** All nodes, this one among them. */
  readonly nodes: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  /** Calls back after the present call. */
  readonly later: (callback: () => void) => void;
  /** Timings of raft. */
  readonly preset: RaftPreset;
  /** To another node; it may be lost. */
  readonly send: (to: string, body: MaelstromBody) => void;
  /** A bug: the node has to end. */
  readonly onFatal: (cause: unknown) => void;
}

/** One of Maelstrom's exercises, on one node. */
export interface Workload {
  /** False: it knows no such request. */
  request(body: MaelstromBody, reply: Reply): boolean;
  /** What another node has sent, which wants no answer. */
  receive(from: string, body: MaelstromBody): void;
  stop(): void;
}
