/** `GET /v1/raft/status`. */
export interface RaftStatusDocument {
  readonly group: string;
  /** Of the node. */
  readonly name: string;
  /** In the group: the node's name, unless its disk was emptied. */
  readonly id: string;
  readonly role: 'follower' | 'pre-candidate' | 'candidate' | 'leader';
  readonly term: number;
  readonly leader: string | null;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastIndex: number;
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly outgoing: readonly string[];
  readonly addresses: Readonly<Record<string, string>>;
  readonly snapshotIndex: number;
  readonly recovering: boolean;
  readonly followers: Readonly<Record<string, { readonly match: number; readonly mode: string }>>;
}
