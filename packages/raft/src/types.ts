/** Names one server and its log. A server whose disk was emptied is a new server, under a new id. */
export type ServerId = string;
/** Counts elections; it only rises. 0: before the first. */
export type Term = number;
/** Place of an entry in the log; the first entry has 1. */
export type LogIndex = number;

/** What an entry carries. */
export type Payload =
  | { readonly type: 'no-op' }
  | { readonly type: 'configuration'; readonly configuration: Configuration }
  /** Opens a client session; the entry's own index becomes the session's id. */
  | { readonly type: 'register' }
  | Command;

/** One command of a client to the state machine (Ongaro 2014, §6.3). */
export interface Command {
  readonly type: 'command';
  /** The client's session; 0: none, and then a command that was proposed twice is applied twice. */
  readonly session: LogIndex;
  /** Counts the commands of one session, from 1. */
  readonly sequence: number;
  /** The client has the answers to all commands below this one, and will not ask for them again. */
  readonly acknowledged: number;
  readonly command: Uint8Array;
}

/** One entry of the log. */
export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly payload: Payload;
}

/** An entry's place: what two logs are compared by (§5.4.1). */
export interface LogPosition {
  readonly index: LogIndex;
  readonly term: Term;
}

/** What must survive a crash besides the log. */
export interface HardState {
  readonly term: Term;
  /** Whom this server voted for in this term. */
  readonly vote: ServerId | undefined;
}

/** Who takes part. It is in force from the moment it is in the log (§6). */
export interface Configuration {
  readonly voters: readonly ServerId[];
  /** The old voters while a joint change is under way: both sides must agree. Empty otherwise. */
  readonly outgoing: readonly ServerId[];
  /** Servers that receive the log and do not count. */
  readonly learners: readonly ServerId[];
  /** Where a server listens, for those that have said so. */
  readonly addresses: Readonly<Record<ServerId, string>>;
}

/** What a snapshot stands for: all entries up to `index`. */
export interface SnapshotInfo extends LogPosition {
  /** Tells two files apart that stand for the same entries, so that chunks of both are never mixed. */
  readonly id: string;
  readonly configuration: Configuration;
  readonly sizeBytes: number;
}

/** What a server is at the moment (Raft §5.1; the pre-candidate is of §9.6 of the dissertation). */
export type RoleName = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** Rough size of an entry in memory and on the wire, in bytes. */
export function entryBytes({ payload }: Entry): number {
  if (payload.type === 'command') return 40 + payload.command.length;
  if (payload.type !== 'configuration') return 40;
  const { voters, outgoing, learners } = payload.configuration;
  return 40 + 64 * (voters.length + outgoing.length + learners.length);
}
