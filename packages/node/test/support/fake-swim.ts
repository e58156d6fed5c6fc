import { Events, type Address, type BandwidthReport, type IterateOptions, type NodeId } from '@grp/core';
import type { JoinResult, KeyReport, Member, QueryOptions, QueryResult, Swim, SwimEvent, Tags } from '@grp/swim';

/** A member made up for a test. */
export function member(name: string, change: Partial<Member> = {}): Member {
  return {
    id: `${name}#1000` as NodeId,
    name,
    address: '127.0.0.1:7946' as Address,
    status: 'alive',
    incarnation: 7,
    tags: {},
    startedAt: 1_000,
    changedAt: 2_000,
    rttMs: undefined,
    ...change,
  };
}

export const noTraffic = { bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0 };

/** A swim that does what a test tells it, and remembers what it was asked. */
export class FakeSwim implements Swim {
  self = member('ann');
  others: readonly Member[] = [];
  calls: unknown[] = [];
  report: BandwidthReport = {
    since: 3_000,
    total: noTraffic,
    peers: [],
    messages: [],
    streams: noTraffic,
    dropped: {},
  };
  keyReport: KeyReport = { answered: 1, members: 1, keys: {}, errors: {} };
  queryResult: QueryResult = { acknowledgements: [], responses: [] };
  /** What `join` does; the default succeeds. */
  onJoin: (seeds: readonly string[], options?: { signal?: AbortSignal }) => Promise<JoinResult> = (seeds) =>
    Promise.resolve({ contacted: [seeds[0] as Address], failed: [] });
  onLeave: () => Promise<void> = () => Promise.resolve();
  readonly #events = new Events<SwimEvent>();

  emit(event: SwimEvent): void {
    this.#events.emit(event);
  }

  members(): readonly Member[] {
    return [this.self, ...this.others];
  }

  start(): void {
    this.calls.push('start');
  }

  join(seeds: readonly string[], options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<JoinResult> {
    this.calls.push(['join', seeds, options.timeoutMs]);
    return this.onJoin(seeds, options);
  }

  leave(options: { timeoutMs?: number } = {}): Promise<void> {
    this.calls.push(['leave', options.timeoutMs]);
    return this.onLeave();
  }

  stop(): void {
    this.calls.push('stop');
  }

  setTags(tags: Tags): void {
    this.self = { ...this.self, tags };
  }

  sendEvent(name: string, payload: Uint8Array, options?: { coalesce?: boolean }): void {
    this.calls.push(['sendEvent', name, payload, options]);
  }

  async query(name: string, { signal: _signal, ...options }: QueryOptions = {}): Promise<QueryResult> {
    this.calls.push(['query', name, options]);
    return this.queryResult;
  }

  readonly keys = {
    list: async () => this.#key('list'),
    install: async (key: Uint8Array) => this.#key('install', key),
    use: async (key: Uint8Array) => this.#key('use', key),
    remove: async (key: Uint8Array) => this.#key('remove', key),
  };

  rtt(): ReturnType<Swim['rtt']> {
    return [
      { name: 'bob', measuredMs: 1.5, estimatedMs: 2 },
      { name: 'cid', measuredMs: undefined, estimatedMs: undefined },
    ];
  }

  health(): ReturnType<Swim['health']> {
    return { score: 2, broadcastsQueued: 3, dropped: this.report.dropped };
  }

  bandwidth(): BandwidthReport {
    return this.report;
  }

  resetBandwidth(): void {
    this.report = { ...this.report, since: 4_000, total: noTraffic, peers: [] };
  }

  on(listener: (event: SwimEvent) => void): () => void {
    return this.#events.on(listener);
  }

  events(options?: IterateOptions): AsyncIterable<SwimEvent> {
    return this.#events.iterate(options);
  }

  onSuspect(): () => void {
    return () => {};
  }

  onTrust(): () => void {
    return () => {};
  }

  hint(): void {}

  #key(action: string, key?: Uint8Array): KeyReport {
    this.calls.push(['keys', action, key]);
    return this.keyReport;
  }
}
