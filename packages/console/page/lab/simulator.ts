import type { WorkerAnswers, WorkerQuestion, WorkerReply } from './worker.ts';

/** Asks the simulator, which runs in a worker. @throws Error with what went wrong there */
export type Simulator = <Type extends WorkerQuestion['type']>(
  question: Extract<WorkerQuestion, { readonly type: Type }>,
) => Promise<WorkerAnswers[Type]>;

/** Starts the worker. */
export function createSimulator(): Simulator {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  worker.addEventListener('message', ({ data: { id, answer, problem } }: MessageEvent<WorkerReply>) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (problem === undefined) asked?.resolve(answer);
    else asked?.reject(new Error(problem));
  });
  return <Type extends WorkerQuestion['type']>(question: Extract<WorkerQuestion, { readonly type: Type }>) => {
    const id = ++lastId;
    const asked = Promise.withResolvers<unknown>();
    waiting.set(id, asked);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
    worker.postMessage({ id, question });
    return asked.promise as Promise<WorkerAnswers[Type]>;
  };
}
