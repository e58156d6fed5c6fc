// What the HTTP API answers, as far as the command line reads it. `@grp/node` has the whole.

export interface NodeStatusDocument {
  readonly schema: string;
  readonly name: string;
  readonly id: string;
  readonly state: 'starting' | 'running' | 'stopping';
  readonly roles: readonly string[];
  readonly pid: number;
  readonly version: string;
  readonly startedAt: string;
  readonly uptimeMs: number;
  readonly http: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly ready: boolean;
  readonly faults?: Readonly<Record<string, unknown>>;
}

export interface MemberDocument {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly status: 'alive' | 'suspect' | 'down' | 'left';
  readonly incarnation: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly rttMs?: number | null;
  readonly changedAt?: string;
}

export interface MembersDocument {
  readonly schema: string;
  readonly self: string;
  readonly members: readonly MemberDocument[];
}

export interface TrafficDocument {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
}

export interface BandwidthDocument {
  readonly schema: string;
  readonly since: string;
  readonly total: TrafficDocument;
  readonly peers: readonly (TrafficDocument & { readonly address: string; readonly name?: string })[];
  readonly messages: readonly (TrafficDocument & { readonly type: string })[];
  readonly streams?: TrafficDocument;
  readonly dropped?: Readonly<Record<string, number>>;
}

export interface KeysDocument {
  readonly schema: string;
  readonly answered: number;
  readonly members: number;
  readonly keys: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, string>>;
}
