import type { Plan } from '@grp/lab';
import type { LabRequest } from '../../src/lab/catalogue.ts';
import type { LabResult } from '../../src/lab/simulation.ts';
import type { WorkerAnswer, WorkerQuestion } from './worker.ts';

/** Runs scenarios in a worker. A question that a newer one has overtaken is never answered. */
export interface Simulator {
  run(request: LabRequest): Promise<LabResult>;
  shrink(request: LabRequest, checker: string): Promise<Plan>;
  close(): void;
}

export function createSimulator(): Simulator {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  let lastId = 0;
  const ask = <Answer>(question: Omit<WorkerQuestion, 'id'>, read: (answer: WorkerAnswer) => Answer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      const listen = ({ data }: MessageEvent<WorkerAnswer>): void => {
        if (data.id !== id) return;
        worker.removeEventListener('message', listen);
        if ('problem' in data) reject(new Error(data.problem));
        else if (id === lastId) resolve(read(data));
      };
      worker.addEventListener('message', listen);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
      worker.postMessage({ id, ...question } satisfies WorkerQuestion);
    });
  return {
    run: (request) => ask({ request }, (answer) => (answer as { readonly result: LabResult }).result),
    shrink: (request, checker) =>
      ask({ request, shrink: checker }, (answer) => (answer as { readonly plan: Plan }).plan),
    close: () => worker.terminate(),
  };
}
