import type { ProcessMark } from '../cluster/processes.ts';
import type { News } from './news.ts';

/** A member to run: its name, and its ports on loopback. */
export interface Planned {
  readonly name: string;
  readonly host: string;
  /** Of membership, UDP and TCP. */
  readonly port: number;
  /** Of the interface for operators: HTTP for grp, RPC for serf. */
  readonly controlPort: number;
}

export interface StartOptions {
  /** Address to join through; the first member has none. */
  readonly seed: string | undefined;
  readonly onNews: (news: News) => void;
  readonly signal: AbortSignal;
  /** Hears of the process as soon as there is one, so that it can be ended whatever happens next. */
  readonly onProcess: (mark: ProcessMark) => void;
}

/** Datagrams as one member itself counts them, with their IP and UDP headers. */
export interface OwnCount {
  readonly packets: number;
  readonly ipBytes: number;
}

/** How one system is run and listened to. Everything else is the same for all systems. */
export interface Driver {
  readonly system: 'grp' | 'serf';
  readonly version: string;
  /** Starts the process, and resolves once all its news will be heard. */
  start(member: Planned, options: StartOptions): Promise<void>;
  /** Its list. `failed` is everything that is neither alive nor gone by its own will. */
  list(member: Planned): Promise<readonly { readonly name: string; readonly state: 'alive' | 'failed' | 'left' }[]>;
  /** The members' own counters; absent where there are none. */
  readonly counters?: {
    /** To zero. */
    reset(member: Planned): Promise<void>;
    sent(member: Planned): Promise<OwnCount>;
  };
}
