import type { LabRequest } from '../../src/lab/catalogue.ts';
import { shrink, simulate, type LabResult } from '../../src/lab/simulation.ts';
import type { Plan } from '@grp/lab';

/** What the page asks of the simulator. */
export type WorkerQuestion = { readonly id: number; readonly request: LabRequest; readonly shrink?: string };
export type WorkerAnswer =
  | { readonly id: number; readonly result: LabResult }
  | { readonly id: number; readonly plan: Plan }
  | { readonly id: number; readonly problem: string };

// The simulator runs beside the page, so that a long run does not stop it.
addEventListener('message', (event: MessageEvent<WorkerQuestion>) => {
  const { id, request, shrink: checker } = event.data;
  const answer =
    checker === undefined
      ? simulate(request, () => performance.now()).then((result): WorkerAnswer => ({ id, result }))
      : shrink(request, checker).then((plan): WorkerAnswer => ({ id, plan }));
  answer
    .catch((cause: unknown): WorkerAnswer => ({ id, problem: cause instanceof Error ? cause.message : String(cause) }))
    .then((message) => postMessage(message))
    .catch(() => {});
});
