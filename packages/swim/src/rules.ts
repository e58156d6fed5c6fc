// The rules of SWIM and Lifeguard as pure functions. SWIM: Das, Gupta, Motivala, DSN 2002. Lifeguard: Dadgar, Phillips,
// Currey, 2018.
import type { MemberStatus } from './api.ts';

/** What a piece of gossip claims about one life of a member. */
export interface Claim {
  readonly status: MemberStatus;
  readonly incarnation: number;
}

const severity: Readonly<Record<MemberStatus, number>> = { alive: 0, suspect: 1, down: 2, left: 2 };

/**
 * Does `next` replace `current` for the same member? SWIM §4.2, with memberlist's reading: only a greater incarnation
 * brings a suspect or a gone member back, and it always does.
 */
export function overrides(next: Claim, current: Claim): boolean {
  if (next.incarnation !== current.incarnation) return next.incarnation > current.incarnation;
  return severity[next.status] > severity[current.status];
}

/** ln(c+1) / ln(k+1), as the table of the few values there are, so that every engine agrees to the last bit. */
const confirmed: readonly (readonly number[])[] = [
  [1],
  [0, 1],
  [0, 0.6309297535714574, 1],
  [0, 0.5, 0.7924812503605781, 1],
  [0, 0.43067655807339306, 0.6826061944859854, 0.8613531161467861, 1],
  [0, 0.3868528072345416, 0.6131471927654584, 0.7737056144690831, 0.8982444017039273, 1],
  [0, 0.3562071871080222, 0.5645750340535797, 0.7124143742160444, 0.8270874753469162, 0.9207822211616018, 1],
  [0, 1 / 3, 0.5283208335737187, 2 / 3, 0.7739760316291209, 0.861654166907052, 0.9357849740192015, 1],
  [
    0, 0.31546487678572877, 0.5, 0.6309297535714574, 0.732486760358963, 0.8154648767857288, 0.8856218745807112,
    0.9463946303571863, 1,
  ],
];

export interface SuspicionWait {
  readonly minMs: number;
  readonly maxMs: number;
  /** Independent accusers besides the first. */
  readonly confirmations: number;
  /** Accusers that shrink the wait to `minMs`. */
  readonly needed: number;
}

/** How long a suspect has to refute, from the first accusation on. Lifeguard §IV-B: max − (max − min)·ln(c+1)/ln(k+1). */
export function suspicionMs({ minMs, maxMs, confirmations, needed }: SuspicionWait): number {
  const row = confirmed[Math.min(needed, confirmed.length - 1)] ?? [1];
  const share = row[Math.min(confirmations, row.length - 1)] ?? 1;
  return Math.round(maxMs - (maxMs - minMs) * share);
}

/** Confirmations worth waiting for: nobody but the accuser and the accused must exist for the first. */
export function confirmationsNeeded(wanted: number, liveCount: number): number {
  return Math.max(0, Math.min(wanted, liveCount - 2));
}

/** The least suspicion for a cluster of this size: spreading news and refutation takes log n rounds. */
export function scaledByMembers(baseMs: number, memberCount: number): number {
  return Math.round(baseMs * Math.max(1, Math.log10(Math.max(1, memberCount))));
}

/** How often one piece of news is sent by one member: factor × ⌈log10(n + 1)⌉. SWIM §4.1. */
export function retransmitLimit(factor: number, memberCount: number): number {
  return factor * Math.ceil(Math.log10(memberCount + 1));
}

/** Full exchanges cost O(n) each: beyond 32 members they get rarer by ⌈log2(n/32)⌉ + 1. */
export function pushPullIntervalMs(baseMs: number, memberCount: number): number {
  return memberCount <= 32 ? baseMs : baseMs * (Math.ceil(Math.log2(memberCount / 32)) + 1);
}

/**
 * Hash of one live life of a member; a list's digest is the exclusive or of them all, so it is kept up in O(1).
 * FNV-1a with a final mix, 32 bits.
 */
export function lifeHash(name: string, incarnation: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (incarnation & 0xffff), 0x01000193);
  hash = Math.imul(hash ^ (incarnation >>> 16), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Smoothed round trip and the timeout from it, as RFC 6298 §2 does for retransmission. */
export class RoundTrip {
  smoothedMs: number;
  /** The shortest seen: the way itself, without what the two ends were busy with. */
  leastMs: number;
  #varianceMs: number;

  constructor(firstMs: number) {
    this.smoothedMs = firstMs;
    this.leastMs = firstMs;
    this.#varianceMs = firstMs / 2;
  }

  observe(sampleMs: number): void {
    this.leastMs = Math.min(this.leastMs, sampleMs);
    this.#varianceMs += (Math.abs(this.smoothedMs - sampleMs) - this.#varianceMs) / 4;
    this.smoothedMs += (sampleMs - this.smoothedMs) / 8;
  }

  get timeoutMs(): number {
    return this.smoothedMs + 4 * this.#varianceMs;
  }
}

/** With one sample more; the first makes it. */
export function observed(roundTrip: RoundTrip | undefined, sampleMs: number): RoundTrip {
  if (roundTrip === undefined) return new RoundTrip(sampleMs);
  roundTrip.observe(sampleMs);
  return roundTrip;
}

/** The memberlist protocol that this node sends; it understands 1 to 5. */
export const protocolSpoken = 2;

/** Does a member with these versions understand what this node sends? Who did not say is believed to (memberlist's check). */
export function understands(versions: Uint8Array): boolean {
  const [min = 0, max = 0] = versions;
  return versions.length === 0 || (min <= protocolSpoken && protocolSpoken <= max);
}
