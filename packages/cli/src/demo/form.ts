import type { MembersDocument } from '../client/documents.ts';
import { NodeClient } from '../client/http-client.ts';
import { bringUp } from '../cluster/up.ts';
import { Observers } from './observers.ts';
import type { Fact } from './promises.ts';
import { secondsText, type Stage, type Teller } from './stage.ts';

/** Every role there is: one process of each node carries them all. */
const roles = ['swim', 'gms', 'chat', 'dfs', 'tracker'] as const;
const upTimeoutMs = 60_000;

export interface FormOptions {
  readonly dir: string;
  readonly count: number;
  readonly signal: AbortSignal;
  readonly tell: Teller;
}

/** Act one: the nodes find each other. @throws GrpError when the cluster cannot be run at all */
export async function form({ dir, count, signal, tell }: FormOptions): Promise<{ stage: Stage; facts: Fact[] }> {
  tell.chapter(`Starting ${count} nodes, each a process of its own, with the roles ${roles.join(', ')}.`);
  const began = performance.now();
  const { nodes } = await bringUp({
    dir,
    count,
    basePort: 0,
    template: { roles: [...roles] },
    logFormat: 'pretty',
    timeoutMs: upTimeoutMs,
    signal,
    onProgress: (event) =>
      tell.progress(
        event.type === 'lists' ? `${event.complete} of ${count} lists complete` : `${event.id} ${event.type}`,
      ),
  });
  const formedMs = performance.now() - began;
  tell.line(`Each had one address to begin with. ${secondsText(formedMs)} later, start of the processes included,`);
  tell.line(
    `each of the ${count} lists has all ${count} members, and the groups have their leaders. This is n1's list:`,
  );
  const observers = new Observers(signal);
  await Promise.all(nodes.map(({ id, http }) => observers.watch(id, http)));
  tell.members(
    await NodeClient.local((nodes[0] as (typeof nodes)[0]).http, 5_000).get<MembersDocument>('/v1/swim/members'),
  );
  const facts = [{ what: 'all lists complete after the start', measured: secondsText(formedMs) }];
  return { stage: { dir, nodes, observers, signal, tell }, facts };
}
