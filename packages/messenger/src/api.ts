import type { Cancel, IterateOptions, Millis, NodeId } from '@grp/core';
import type { OrderingStatistics } from '@grp/ordering';
import type { GroupInfo, GroupOrder, LeaveReason, RequestOptions, TrackerClient, TrackerMember } from '@grp/tracker';

/** One message in its place, safe to print. */
export interface ChatMessage {
  readonly type: 'message';
  readonly group: string;
  readonly from: string;
  readonly fromId: NodeId;
  readonly text: string;
  /** In total order the place in the group, the same at every member; in FIFO order the sender's own count. */
  readonly sequence: number;
  readonly order: GroupOrder;
  readonly view: number;
  /** When it was sent, in wall-clock ms by the tracker's clock, as its sender says; 0 when it says nonsense. */
  readonly wallMs: number;
  readonly isOwn: boolean;
  /** From the history: another member tells what was said before this one came. */
  readonly isReplay: boolean;
}

/** Why somebody is not there any more. */
export interface Departure {
  readonly nick: string;
  readonly reason: LeaveReason;
  /** What it said at the end, or who put it out. */
  readonly text: string;
}

/** `blocked`: the tracker is away, and those who answer are no majority; in total order nothing moves. */
export type GroupStatus = 'joining' | 'active' | 'flushing' | 'blocked';

/** What a messenger tells its user. */
export type MessengerEvent =
  | ChatMessage
  /** The members in force from here on: what comes later is delivered in this view. */
  | {
      readonly type: 'view';
      readonly group: string;
      readonly number: number;
      readonly members: readonly string[];
      readonly joined: readonly string[];
      readonly left: readonly Departure[];
    }
  /** Somebody is there or gone, as soon as it is known; the view follows when the members have settled it. */
  | { readonly type: 'joined'; readonly group: string; readonly nick: string; readonly isBack: boolean }
  | ({ readonly type: 'left'; readonly group: string } & Departure)
  | { readonly type: 'topic'; readonly group: string; readonly text: string; readonly by: string }
  | { readonly type: 'policy'; readonly group: string; readonly info: GroupInfo }
  | { readonly type: 'member'; readonly group: string; readonly member: TrackerMember }
  | { readonly type: 'invite'; readonly group: string; readonly by: string }
  | { readonly type: 'removed'; readonly group: string; readonly reason: LeaveReason; readonly text: string }
  | { readonly type: 'status'; readonly group: string; readonly status: GroupStatus }
  /** The way to a member: itself, through the tracker, or none. */
  | { readonly type: 'path'; readonly group: string; readonly nick: string; readonly path: PeerPath }
  | { readonly type: 'motd'; readonly text: string }
  | { readonly type: 'tracker'; readonly state: 'lost' | 'back'; readonly reason: string }
  /** `MESSENGER_UNKNOWN_FATE`: so many own messages may or may not have been delivered, and are not sent again. */
  | { readonly type: 'trouble'; readonly group: string; readonly code: string; readonly text: string };

/** How messages reach another member: straight, through the tracker, or not at all. */
export type PeerPath = 'direct' | 'relay' | 'none';

/** Another member, as this one reaches it. */
export interface PeerInfo {
  readonly nick: string;
  readonly id: NodeId;
  readonly path: PeerPath;
  /** Where its datagrams come from; its own word while there is no path. */
  readonly address: string;
  readonly rttMs: Millis | undefined;
  /** Since anything came from it. */
  readonly silentMs: Millis | undefined;
  readonly role: TrackerMember['role'];
  readonly away: string | undefined;
  readonly isIgnored: boolean;
  /** Waiting or dropped, because it sends faster than this member takes. */
  readonly flood: { readonly heldBytes: number; readonly delayed: number; readonly dropped: number };
}

/** A group that this messenger is in. */
export interface GroupState {
  readonly group: string;
  readonly order: GroupOrder;
  readonly status: GroupStatus;
  readonly topic: string;
  readonly view: number;
  readonly members: readonly string[];
  /** Delivered since `markRead`. */
  readonly unread: number;
  /** Other members with a path, and all others. */
  readonly reached: number;
  readonly others: number;
}

/** What was measured in one group since it was joined. */
export interface GroupMetricsReport {
  readonly group: string;
  readonly order: GroupOrder;
  readonly sent: number;
  /** From others. */
  readonly received: number;
  /** Both. */
  readonly exchanged: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly durationMs: Millis;
  /** Exchanged messages per second, while the group was there. */
  readonly throughputPerSecond: number;
  /** From `send` at its sender to delivery here, of messages of others. */
  readonly latencyMs: { readonly p50?: number; readonly p95?: number; readonly p99?: number; readonly count: number };
}

/** What one messenger has said and heard, by group. */
export interface MessengerMetrics {
  readonly nick: string;
  readonly durationMs: Millis;
  readonly groups: readonly GroupMetricsReport[];
  /** Refused frames and messages, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** How a group is joined, or made. */
export interface JoinOptions extends RequestOptions {
  readonly key?: string | undefined;
  /** Makes the group when there is none (default true). */
  readonly create?: boolean | undefined;
  /** Of a group that is made (default `fifo`); the order of one that is there stays. */
  readonly order?: GroupOrder | undefined;
}

/** How a messenger says goodbye. */
export interface StopOptions {
  /** What the others are told. */
  readonly reason?: string | undefined;
  /** How long own messages may take to reach everybody (default 50 ms); then they are left to those that have them. */
  readonly drainMs?: Millis | undefined;
}

/** One member of several groups. */
export interface Messenger {
  readonly nick: string;
  /** For all that needs no peers: topic, away, policy, kick, lists. */
  readonly tracker: TrackerClient;
  /** Reaches the tracker. @throws GrpError TRACKER_LOST, TRACKER_NICK_TAKEN, … */
  start(options?: RequestOptions): Promise<void>;
  /** @throws GrpError MESSENGER_JOINED, TRACKER_* */
  join(group: string, options?: JoinOptions): Promise<GroupState>;
  /** @throws GrpError MESSENGER_NOT_JOINED, TRACKER_* */
  leave(group: string, reason?: string): Promise<void>;
  /**
   * Sends to everybody in the group, this member included.
   * @throws GrpError MESSENGER_NOT_JOINED, MESSENGER_TEXT_EMPTY, MESSENGER_TEXT_TOO_LONG, MESSENGER_MUTED, MESSENGER_BUSY
   */
  send(group: string, text: string): void;
  groups(): readonly GroupState[];
  /** @throws GrpError MESSENGER_NOT_JOINED */
  group(group: string): GroupView;
  /** Messages of that nick are not shown; true: from now on, false: no longer. */
  ignore(nick: string, isIgnored: boolean): void;
  metrics(): MessengerMetrics;
  on(listener: (event: MessengerEvent) => void): Cancel;
  events(options?: IterateOptions): AsyncIterable<MessengerEvent>;
  /** Reports its metrics, says goodbye and lets go of everything. Idempotent. */
  stop(options?: StopOptions): Promise<void>;
}

/** A closer look at one group. */
export interface GroupView {
  readonly state: GroupState;
  readonly peers: readonly PeerInfo[];
  readonly ordering: OrderingStatistics;
  readonly metrics: GroupMetricsReport;
  readonly history: readonly ChatMessage[];
  markRead(): void;
}
