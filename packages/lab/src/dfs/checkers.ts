import type { Checker, Violation } from '@grp/sim';

/** What clients and the log show of a store. */
export type DfsObservation =
  | { readonly type: 'began'; readonly client: string; readonly name: string }
  | { readonly type: 'ended'; readonly client: string }
  /** A client was given, or told of, this version. */
  | {
      readonly type: 'seen';
      readonly client: string;
      readonly name: string;
      readonly version: number;
      readonly digest: string;
      readonly by: 'get' | 'put';
    }
  /** What is left of a version that was acknowledged and that the log still has. */
  | { readonly type: 'left'; readonly name: string; readonly version: number; readonly goodCopies: number };

/** Whoever sees a version sees the same bytes. */
export function oneDigestPerVersion(): Checker<DfsObservation> {
  const name = 'one digest per version';
  const digests = new Map<number, { readonly file: string; readonly digest: string }>();
  const violations: Violation[] = [];
  return {
    name,
    observe(event) {
      if (event.type !== 'seen') return;
      const known = digests.get(event.version);
      digests.set(event.version, known ?? { file: event.name, digest: event.digest });
      if (known === undefined || (known.digest === event.digest && known.file === event.name)) return;
      const message = `${event.client} saw other bytes in version ${event.version} of ${event.name} than others did.`;
      violations.push({ checker: name, message });
    },
    finish: () => violations,
  };
}

/** An operation that begins after another of the same file has ended never ends with an older version. */
export function versionsOnlyGrow(): Checker<DfsObservation> {
  const name = 'versions only grow';
  const newest = new Map<string, number>();
  const floors = new Map<string, number>();
  const violations: Violation[] = [];
  return {
    name,
    observe(event) {
      if (event.type === 'began') floors.set(event.client, newest.get(event.name) ?? 0);
      if (event.type === 'ended') floors.delete(event.client);
      if (event.type !== 'seen') return;
      const floor = floors.get(event.client) ?? 0;
      // A put that was retried tells the version of its first success: that may be older than what came meanwhile.
      if (event.by === 'get' && event.version < floor) {
        const message = `${event.client} got version ${event.version} of ${event.name} after ${floor} had been seen.`;
        violations.push({ checker: name, message });
      }
      newest.set(event.name, Math.max(newest.get(event.name) ?? 0, event.version));
    },
    finish: () => violations,
  };
}

/** A version that was acknowledged has a good copy as long as the log has it. */
export function acknowledgedIsKept(): Checker<DfsObservation> {
  const name = 'acknowledged is kept';
  const violations = new Map<number, Violation>();
  return {
    name,
    observe(event) {
      if (event.type !== 'left' || event.goodCopies > 0) return;
      const message = `no server has a good copy of version ${event.version} of ${event.name} any more.`;
      violations.set(event.version, { checker: name, message });
    },
    finish: () => [...violations.values()],
  };
}
