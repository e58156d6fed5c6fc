import { setTimeout as sleep } from 'node:timers/promises';
import { NodeClient } from '../client/http-client.ts';
import type { NodeEvent } from '../client/events.ts';
import type { Wall } from './wall.ts';

export interface WorkersDocument {
  readonly self: string;
  readonly status: string;
  readonly view: number | null;
  readonly leads: boolean;
  readonly colour: string;
  readonly delivered: { readonly sequence: number; readonly orderHash: string };
}

export interface FeedTarget {
  readonly id: string;
  readonly http: string;
}

const lookEveryMs = 500;

/**
 * Keeps a wall up to date from one node: its messages as they are delivered, its status twice a second. A node that
 * does not answer is asked again until `signal`.
 */
export async function feedWall(wall: Wall, { id, http }: FeedTarget, signal: AbortSignal): Promise<void> {
  const client = NodeClient.local(http, 2_000);
  await Promise.all([followMessages(wall, id, client, signal), followStatus(wall, id, client, signal)]);
}

async function followMessages(wall: Wall, id: string, client: NodeClient, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const event of await client.events({ kinds: ['message'], signal })) showMessage(wall, id, event);
    } catch {
      // Gone, paused or not started yet: the status line says so.
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
  }
}

function showMessage(wall: Wall, id: string, event: NodeEvent): void {
  const { noun, sequence, colour } = event;
  if (noun === 'gms' && typeof sequence === 'number' && typeof colour === 'string') wall.show(id, sequence, colour);
}

async function followStatus(wall: Wall, id: string, client: NodeClient, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const worker = await client.get<WorkersDocument>('/v1/gms/workers', signal);
      wall.update(id, { status: worker.status, view: worker.view, leads: worker.leads });
      wall.show(id, worker.delivered.sequence, worker.colour);
    } catch {
      wall.update(id, { status: 'gone', leads: false });
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
  }
}

/** Lets the nodes multicast colour changes, `rate` a second together, each node in turn, until `signal`. */
export async function paintAll(targets: readonly FeedTarget[], rate: number, signal: AbortSignal): Promise<void> {
  if (rate <= 0) {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    return;
  }
  for (let turn = 0; !signal.aborted; turn++) {
    const target = targets[turn % targets.length] as FeedTarget;
    const payload = `colour ${Math.floor(Math.random() * 256)} from ${target.id}`;
    // Nobody waits: a node that is paused must not hold up the others' changes.
    void NodeClient.local(target.http, 5_000)
      .post('/v1/gms/mcast', { payload })
      .catch(() => {});
    await sleep(1_000 / rate, undefined, { signal }).catch(() => {});
  }
}
