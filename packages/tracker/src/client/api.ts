import type { Address, Cancel, GrpError, IterateOptions, NodeId } from '@grp/core';
import type { Succession } from '../succession.ts';
import type { CommandBody, CommandName, GroupInfo, LeaveReason, TrackerMember } from '../wire/messages.ts';
import type { ResultOf } from '../wire/results.ts';

/** The members in force: what ISIS and the like agree on. */
export interface TrackerView {
  /** Rises. Two views of one group with the same number are the same view. */
  readonly number: number;
  /** Oldest stay first. */
  readonly members: readonly TrackerMember[];
}

/** A group that this client is in. */
export interface JoinedGroup {
  readonly info: GroupInfo;
  readonly view: TrackerView;
  /** What peers want to see; undefined until the tracker has sent the first. */
  readonly ticket: string | undefined;
}

/** Who this client is to the tracker. */
export interface TrackerSession {
  readonly id: NodeId;
  readonly nick: string;
  /** Where its connection came from, as the tracker sees it. */
  readonly observed: Address;
  /** Of the tracker, 32 bytes: verifies tickets. */
  readonly trackerKey: Uint8Array;
  readonly motd: string;
  /** Keep it: it takes the reserved nick back. Only when a nick was reserved for the first time. */
  readonly nickToken: string | undefined;
}

/** What a client of the tracker hears without asking. */
export type TrackerEvent =
  | {
      readonly type: 'view';
      readonly group: string;
      readonly view: TrackerView;
      readonly joined: readonly { readonly member: TrackerMember; readonly isBack: boolean }[];
      readonly left: readonly { readonly member: TrackerMember; readonly reason: LeaveReason; readonly text: string }[];
      /** It does not follow the last view known here: what happened between is not told one by one. */
      readonly isFresh: boolean;
    }
  /** Role, absence or address of a member. */
  | { readonly type: 'member'; readonly group: string; readonly member: TrackerMember }
  | { readonly type: 'topic'; readonly group: string; readonly text: string; readonly by: string }
  | { readonly type: 'policy'; readonly group: string; readonly info: GroupInfo }
  /** Show it to peers from now on. */
  | { readonly type: 'ticket'; readonly group: string; readonly ticket: string }
  | { readonly type: 'invite'; readonly group: string; readonly by: string }
  /** This client is not in the group any more. */
  | {
      readonly type: 'removed';
      readonly group: string;
      readonly reason: LeaveReason;
      readonly by: string;
      readonly text: string;
    }
  | { readonly type: 'relay'; readonly group: string; readonly from: NodeId; readonly payload: Uint8Array }
  | { readonly type: 'motd'; readonly text: string }
  /** The tracker cannot be reached; members can. */
  | { readonly type: 'lost'; readonly reason: string }
  /** Reached again: the same session, or a new one under a new id because the old one was gone. */
  | { readonly type: 'back'; readonly session: TrackerSession; readonly isResumed: boolean }
  /**
   * The tracker answers and refuses; it is asked again. `TRACKER_RECLAIMED`: another client with this key or nick token
   * has taken over; this one comes back when that one goes.
   */
  | { readonly type: 'refused'; readonly error: GrpError }
  /** The client has stopped by itself. */
  | { readonly type: 'fault'; readonly error: Error };

/** How long a request waits. */
export interface RequestOptions {
  /** Default `requestTimeoutMs`. It covers waiting for a lost tracker. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** `lost` tries again by itself; `stopped` is final. */
export type TrackerClientState = 'new' | 'connecting' | 'ready' | 'lost' | 'stopped';

/** The connection of one member to its tracker, over losses and restarts of either. */
export interface TrackerClient {
  readonly state: TrackerClientState;
  /** Undefined before the first `start`. */
  readonly session: TrackerSession | undefined;
  /** The groups it is in, also while the tracker is lost. */
  groups(): readonly JoinedGroup[];
  group(name: string): JoinedGroup | undefined;
  /** Smoothed round trip of heartbeats, in ms. */
  rttMs(): number | undefined;
  /** Wall-clock ms by the tracker's clock, for the expiry of tickets. */
  trackerWallMs(): number;
  /**
   * Connects and says hello. When it rejects, the client has stopped.
   * @throws GrpError TRACKER_LOST, and what the tracker refuses with: TRACKER_NICK_TAKEN, TRACKER_VERSION, …
   */
  start(options?: RequestOptions): Promise<TrackerSession>;
  /**
   * Any command. While the tracker is lost it waits, and is sent again after a resume, done once whatever happens.
   * @throws GrpError TRACKER_*, by `start` and PROTOCOL.md
   */
  request<Name extends CommandName>(
    name: Name,
    body: CommandBody<Name>,
    options?: RequestOptions,
  ): Promise<ResultOf<Name>>;
  /** Joins; the group is there with its view when it resolves. */
  join(group: string, options?: Omit<CommandBody<'join'>, 'group'> & RequestOptions): Promise<JoinedGroup>;
  /** At most `relayBytesMax` bytes to a member that cannot be reached otherwise; it may get lost. */
  relay(group: string, to: NodeId, payload: Uint8Array): Promise<void>;
  /** Installs what a majority agreed on without the tracker, and tells the tracker when it is back. False: not valid. */
  adopt(succession: Succession): boolean;
  on(listener: (event: TrackerEvent) => void): Cancel;
  events(options?: IterateOptions): AsyncIterable<TrackerEvent>;
  /** Says goodbye, within `timeoutMs` (default 1,000), and lets go of everything. */
  stop(options?: { readonly reason?: string; readonly timeoutMs?: number }): Promise<void>;
}
