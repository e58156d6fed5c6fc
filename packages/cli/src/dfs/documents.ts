// What `/v1/dfs/…` answers, as far as the command line reads it. `@grp/node` has the whole.

export interface PutDocument {
  readonly schema: string;
  readonly name: string;
  readonly version: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Nodes that hold it in stable storage at the moment of the answer; the others follow. */
  readonly replicas: readonly string[];
}

export interface ListedFile {
  readonly name: string;
  readonly version: number;
  readonly bytes: number;
  readonly replicas: readonly string[];
  readonly at: string;
}

export interface ListDocument {
  readonly schema: string;
  readonly files: readonly ListedFile[];
  /** There are more: ask for those after this name. */
  readonly next?: string;
}

export interface ListedVersion {
  readonly version: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly at: string;
  /** It says that the file was removed. */
  readonly deleted?: boolean;
}

export interface VersionsDocument {
  readonly schema: string;
  readonly name: string;
  readonly versions: readonly ListedVersion[];
}

export interface StatDocument {
  readonly schema: string;
  readonly name: string;
  readonly version: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly at: string;
  readonly replicasWanted: number;
  readonly underReplicated: boolean;
  readonly replicas: readonly { readonly node: string; readonly state: string; readonly sha256?: string }[];
}

export interface StoreDocument {
  readonly schema: string;
  readonly node: string;
  readonly incarnation: number;
  readonly bytes: number;
  readonly freeBytes: number;
  readonly files: readonly {
    readonly name: string;
    readonly version: number;
    readonly bytes: number;
    readonly blob: string;
  }[];
  /** Blobs that no version has: puts under way, or copies that are about to be deleted. */
  readonly others: number;
}

export interface RepairDocument {
  readonly schema: string;
  readonly idle: boolean;
  readonly files: number;
  readonly versions: number;
  readonly underReplicated: number;
  readonly lost: number;
  readonly copying: number;
  readonly copiesDone: number;
  readonly copyBytesDone: number;
  readonly deletionsPending: number;
  readonly rotReported: number;
  readonly servers: readonly {
    readonly node: string;
    readonly up: boolean;
    readonly incarnation: number;
    readonly address: string;
    readonly freeBytes: number | null;
  }[];
}
