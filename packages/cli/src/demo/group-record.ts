import { setTimeout as sleep } from 'node:timers/promises';
import { NodeClient } from '../client/http-client.ts';
import type { ViewDocument } from '../gms/views.ts';

/** One place of the group's row, as a node delivered it. */
interface Place {
  readonly sender: string;
  readonly payload: string;
  /** What a worker shows from then on, as `#rrggbb`. */
  readonly colour?: string;
}

const coloursMax = 4_096;

/** What is known of all members' deliveries and of all multicasts, by which both are judged. */
export class GroupRecord {
  /** Sequence → what the first node to tell delivered there. */
  readonly #row = new Map<number, Place>();
  readonly #problems: string[] = [];
  /** Payload → where its sender was told that it stands. */
  readonly #receipts = new Map<string, number>();
  readonly #colours = new Map<string, Map<number, string>>();
  readonly #firstSeen: number[] = [];
  #deliveries = 0;

  get problems(): readonly string[] {
    return this.#problems;
  }

  get counts(): { readonly deliveries: number; readonly receipts: number; readonly places: number } {
    return { deliveries: this.#deliveries, receipts: this.#receipts.size, places: this.#row.size };
  }

  delivered(node: string, sequence: number, place: Place): void {
    this.#deliveries++;
    this.#paint(node, sequence, place.colour);
    const known = this.#row.get(sequence);
    if (known === undefined) {
      this.#row.set(sequence, place);
      this.#firstSeen.push(performance.now());
    } else if (known.payload !== place.payload || known.sender !== place.sender)
      this.#problems.push(`${node} delivered ${place.payload} as ${sequence}, another node ${known.payload}`);
  }

  /** The colours of the last places that all of these nodes have delivered, node by node. */
  commonColours(nodes: readonly string[], count: number): readonly (readonly string[])[] {
    const rows = nodes.map((node) => this.#colours.get(node) ?? new Map<number, string>());
    const common = [...(rows[0]?.keys() ?? [])].filter((sequence) => rows.every((row) => row.has(sequence)));
    const last = common.toSorted((a, b) => a - b).slice(-count);
    return rows.map((row) => last.map((sequence) => row.get(sequence) as string));
  }

  /** The longest time without a new place at any node, from `since` (of `performance.now()`) on. */
  longestGapMs(since: number): number {
    let [gap, last] = [0, since];
    for (const at of this.#firstSeen) {
      if (at < since) continue;
      gap = Math.max(gap, at - last);
      last = at;
    }
    return gap;
  }

  acknowledged(payload: string, sequence: number): void {
    this.#receipts.set(payload, sequence);
  }

  #paint(node: string, sequence: number, colour: string | undefined): void {
    if (colour === undefined) return;
    let row = this.#colours.get(node);
    if (row === undefined) this.#colours.set(node, (row = new Map()));
    if (row.size < coloursMax) row.set(sequence, colour);
  }

  /** Everything that can only be judged when all is quiet. */
  conclude(): void {
    const seen = new Map<string, number>();
    for (const [sequence, { payload }] of this.#row) {
      const earlier = seen.get(payload);
      if (earlier !== undefined) this.#problems.push(`${payload} was delivered twice, as ${earlier} and ${sequence}`);
      seen.set(payload, sequence);
    }
    for (const [payload, sequence] of this.#receipts) {
      const place = this.#row.get(sequence);
      // Nobody may have been listening to any node when this one passed; then only its number is known.
      if (place !== undefined && place.payload !== payload)
        this.#problems.push(`${payload} was acknowledged as ${sequence}, where ${place.payload} was delivered`);
      if (place === undefined && seen.has(payload))
        this.#problems.push(`${payload} was acknowledged as ${sequence} and delivered as ${seen.get(payload)}`);
    }
  }
}

/** Follows one node's deliveries into the record, through its restarts, until `signal`. */
export async function follow(record: GroupRecord, node: string, http: string, signal: AbortSignal): Promise<void> {
  const client = NodeClient.local(http, 5_000);
  while (!signal.aborted) {
    try {
      for await (const event of await client.events({ kinds: ['message'], signal })) {
        const { sequence, sender, payload, type, colour } = event as unknown as Record<string, unknown>;
        if (type !== 'message' || typeof sequence !== 'number') continue;
        const shown = typeof colour === 'string' ? { colour } : {};
        record.delivered(node, sequence, { sender: String(sender), payload: String(payload), ...shown });
      }
    } catch {
      // It was killed, or stands still.
    }
    await sleep(50, undefined, { signal }).catch(() => {});
  }
}

export interface SenderCount {
  sent: number;
  acknowledged: number;
  /** Neither acknowledged nor refused: the node died, or was excluded, before it knew. */
  unknown: number;
}

/**
 * Multicasts through one node, one message after the other and each with a payload of its own, until `signal`. A message
 * whose outcome is not known is never sent again: it may still come, once.
 */
export async function multicastAlways(
  record: GroupRecord,
  { node, http, pauseMs }: { readonly node: string; readonly http: string; readonly pauseMs: number },
  signal: AbortSignal,
): Promise<SenderCount> {
  const client = NodeClient.local(http, 30_000);
  const count = { sent: 0, acknowledged: 0, unknown: 0 };
  for (let number = 1; !signal.aborted; number++) {
    const payload = `${node}-${number}`;
    count.sent++;
    try {
      const { sequence } = await client.post<{ sequence: number }>('/v1/gms/mcast', { payload });
      record.acknowledged(payload, sequence);
      count.acknowledged++;
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    } catch {
      count.unknown++;
      await sleep(50, undefined, { signal }).catch(() => {});
    }
  }
  return count;
}

/** How far each node is, once all of them say the same; the last answers when they never do. */
export async function settledMarks(
  nodes: readonly { readonly id: string; readonly http: string }[],
  timeoutMs: number,
): Promise<readonly { readonly id: string; readonly status: string; readonly mark: string }[]> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const marks = await Promise.all(
      nodes.map(async ({ id, http }) => {
        try {
          const { status, delivered } = await NodeClient.local(http, 2_000).get<ViewDocument>('/v1/gms/view');
          return { id, status, mark: `${delivered.sequence} ${delivered.orderHash}` };
        } catch {
          return { id, status: 'silent', mark: '' };
        }
      }),
    );
    const same = marks.every(({ status, mark }) => status === 'joined' && mark === marks[0]?.mark);
    if (same || performance.now() > deadline) return marks;
    await sleep(100);
  }
}
