import type { Address, BandwidthReport, Cancel, IterateOptions, NodeId } from '@grp/core';

/** `suspect` is still a member; `left` went of its own will; `down` was judged. */
export type MemberStatus = 'alive' | 'suspect' | 'down' | 'left';
/** What a member says about itself, at most 512 bytes encoded. */
export type Tags = Readonly<Record<string, string>>;

/** A member as this node's list has it. */
export interface Member {
  /** One life of the member, `name#startedAt`. A member that is not grp (a Serf agent) has `name#0`. */
  readonly id: NodeId;
  /** Unique among the living; what the wire calls Node. */
  readonly name: string;
  readonly address: Address;
  readonly status: MemberStatus;
  /** Raised only by the member itself, to refute; starts at its Unix time in seconds (a Serf agent's at 1). */
  readonly incarnation: number;
  /** As set by the member, without the tag that carries `startedAt`. */
  readonly tags: Tags;
  /** Wall-clock ms at which this life began, by its own clock; undefined for a Serf agent. */
  readonly startedAt: number | undefined;
  /** Wall-clock ms, by this node's clock, of the last change of `status`. */
  readonly changedAt: number;
  /** Smoothed round trip of probes from here, in ms; undefined before the first. */
  readonly rttMs: number | undefined;
}

/** What happened in the list of a member. */
export type SwimEvent =
  | { readonly type: 'join' | 'alive' | 'suspect' | 'down' | 'leave' | 'update'; readonly member: Member }
  /** A member that was down or had left is not remembered any longer. */
  | { readonly type: 'forget'; readonly member: Member }
  | {
      readonly type: 'user-event';
      readonly name: string;
      readonly payload: Uint8Array;
      /** Lamport time. */
      readonly time: number;
      /** The sender allows that of several events of this name only the last is handled. */
      readonly coalesce: boolean;
    }
  | {
      readonly type: 'query';
      readonly name: string;
      readonly payload: Uint8Array;
      readonly from: string;
      /** Answers once, ≤ 1,024 bytes; ignored after the query's deadline. */
      respond(payload: Uint8Array): void;
    }
  /** Another living member has this node's name and is older: this node has stopped. */
  | { readonly type: 'conflict'; readonly name: string; readonly address: Address }
  /** A bug was found by an invariant: this member has stopped as if it had crashed. */
  | { readonly type: 'fault'; readonly code: string; readonly message: string };

/** Whom a query asks, and how long it waits. */
export interface QueryOptions {
  readonly payload?: Uint8Array;
  /** Only members with these names, or whose tags match these patterns, are asked. */
  readonly names?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  /** How long answers are taken; default 16 × ⌈log10(n + 1)⌉ gossip intervals, as Serf. */
  readonly timeoutMs?: number;
  /** Ask for a receipt from everyone who saw the query. */
  readonly acknowledge?: boolean;
  /** Each answer is also sent through this many other members (0 … 5). */
  readonly relayCount?: number;
  readonly signal?: AbortSignal;
}

/** Who has heard a query, and who has answered what. */
export interface QueryResult {
  readonly acknowledgements: readonly string[];
  readonly responses: readonly { readonly from: string; readonly payload: Uint8Array }[];
}

/** Which seeds answered, and which did not. */
export interface JoinResult {
  /** Seeds with which the list was exchanged. */
  readonly contacted: readonly Address[];
  readonly failed: readonly { readonly seed: string; readonly code: string; readonly message: string }[];
}

/** How many members know of a change of keys. */
export interface KeyReport {
  /** Members that answered, this node included. */
  readonly answered: number;
  readonly members: number;
  /** Base64 key → members that hold it (for `list`). */
  readonly keys: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, string>>;
}

/** How far away a member is. */
export interface RttReport {
  readonly name: string;
  /** From probes, smoothed; undefined before the first. */
  readonly measuredMs: number | undefined;
  /** From network coordinates (Vivaldi), for members never probed from here too. */
  readonly estimatedMs: number | undefined;
}

/** How well a member keeps up. */
export interface SwimHealth {
  /** 0 is well … 8: local health multiplier minus one (Lifeguard §IV-A). */
  readonly score: number;
  readonly broadcastsQueued: number;
  /** What was received and refused, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** One member of a swim cluster. */
export interface Swim {
  readonly self: Member;
  /** Everyone this node knows, itself first, then by name. */
  members(): readonly Member[];
  /** Starts to listen and to probe. Alone until `join`, or until somebody joins through this node. */
  start(): void;
  /**
   * Exchanges lists with the seeds. Resolves when at least one answered.
   * @throws GrpError SWIM_JOIN_FAILED (unreachable), SWIM_NAME_TAKEN (conflict), SWIM_STOPPED
   */
  join(
    seeds: readonly string[],
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<JoinResult>;
  /** Tells everybody that this node goes, waits until the news is out (≤ `timeoutMs`, default 5 s), then stops. */
  leave(options?: { readonly timeoutMs?: number }): Promise<void>;
  /** Stops without a word, as a crash would. Idempotent; the transport stays the caller's to close. */
  stop(): void;
  /** Replaces this node's tags and tells everyone. @throws GrpError SWIM_TAGS_TOO_LONG (512 bytes encoded) */
  setTags(tags: Tags): void;
  /** Sends an event to every member, at least once each, unordered. @throws GrpError SWIM_EVENT_TOO_LONG (512 bytes) */
  sendEvent(name: string, payload: Uint8Array, options?: { readonly coalesce?: boolean }): void;
  /** Asks members and collects the answers until the deadline. */
  query(name: string, options?: QueryOptions): Promise<QueryResult>;
  readonly keys: {
    list(): Promise<KeyReport>;
    install(key: Uint8Array): Promise<KeyReport>;
    use(key: Uint8Array): Promise<KeyReport>;
    remove(key: Uint8Array): Promise<KeyReport>;
  };
  rtt(): readonly RttReport[];
  health(): SwimHealth;
  bandwidth(): BandwidthReport;
  resetBandwidth(): void;
  on(listener: (event: SwimEvent) => void): Cancel;
  events(options?: IterateOptions): AsyncIterable<SwimEvent>;
  // The shape of a failure detector, for protocols above: members are lives, by their ids.
  /** A life is down or has left. What is merely suspect is told by `on` alone. */
  onSuspect(listener: (member: NodeId) => void): Cancel;
  /** A life has joined, or is back. */
  onTrust(listener: (member: NodeId) => void): Cancel;
  /**
   * Something looks wrong with this member (a name, or the id of a life): it is probed now, directly, through others and
   * on a stream at once. At most once in `hintIntervalMs` per member. Never a verdict by itself; unknown and earlier
   * lives, and the gone, are ignored.
   */
  hint(member: NodeId | string): void;
}
