import type { BlobId, FileServer, ServerId } from './model.ts';

/** Among which servers the holders of a blob are chosen. */
export interface PlacementOptions {
  readonly blob: BlobId;
  readonly servers: readonly FileServer[];
  /** How many to choose. */
  readonly count: number;
  /** Room that the blob needs, and that a server must have beyond what it keeps in reserve. */
  readonly bytes?: number;
  readonly reserveBytes?: number;
  /** Servers that hold the blob already: they are not chosen, and their zones count as used. */
  readonly holders?: readonly ServerId[];
  /** Chosen only when nobody else is left. */
  readonly avoid?: readonly ServerId[];
}

/**
 * The servers for a blob, best first; fewer when there are fewer. Rendezvous hashing (Thaler, Ravishankar 1998), weighted
 * by free space in powers of two: everybody who has the same view comes to the same servers, and one server more or less
 * moves no blob that it is not a holder of. Zones that have no replica yet come first.
 */
export function placeReplicas(options: PlacementOptions): readonly FileServer[] {
  const { blob, servers, count, bytes = 0, reserveBytes = 0, holders = [], avoid = [] } = options;
  const seed = Number.parseInt(blob.slice(0, 8), 16) >>> 0;
  const candidates = servers
    .filter(({ id, up, freeBytes }) => up && freeBytes >= bytes + reserveBytes && !holders.includes(id))
    .map((server) => ({ server, score: scoreOf(seed, server), isAvoided: avoid.includes(server.id) }))
    .toSorted(
      (a, b) => Number(a.isAvoided) - Number(b.isAvoided) || b.score - a.score || (a.server.id < b.server.id ? -1 : 1),
    );
  const zones = new Set(servers.filter(({ id }) => holders.includes(id)).map(({ zone }) => zone));
  const chosen: FileServer[] = [];
  while (chosen.length < count && candidates.length > 0) {
    const fresh = candidates.findIndex(({ server, isAvoided }) => !isAvoided && !zones.has(server.zone));
    const [next] = candidates.splice(Math.max(0, fresh), 1);
    if (next === undefined) break;
    chosen.push(next.server);
    zones.add(next.server.zone);
  }
  return chosen;
}

/** Higher is better: −weight / ln(h) with h uniform in (0, 1) makes the chance to win proportional to the weight. */
function scoreOf(seed: number, { id, freeBytes }: FileServer): number {
  const hash = (mix(seed ^ hashText(id)) + 0.5) / 0x1_0000_0000;
  // Exact room would move blobs with every report; a power of two moves them when it halves.
  const weight = Math.max(1, Math.floor(Math.log2(Math.max(2, freeBytes))) - 19);
  return -weight / Math.log(hash);
}

/** FNV-1a. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** The finaliser of MurmurHash3: every bit of the input changes half of the output's. */
function mix(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
