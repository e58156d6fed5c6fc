import type { Plan } from '@grp/lab';
import type { Catalogue, LabRequest } from '../../src/lab/catalogue.ts';
import { makeCatalogue, readRecordings, shrink, simulate, type LabResult } from '../../src/lab/simulation.ts';

/** What the page asks of the simulator. */
export type WorkerQuestion =
  | { readonly type: 'catalogue' }
  | { readonly type: 'run'; readonly request: LabRequest }
  | { readonly type: 'shrink'; readonly request: LabRequest & { readonly plan: Plan }; readonly checker: string }
  | { readonly type: 'recordings'; readonly files: readonly { readonly name: string; readonly text: string }[] };

/** Question → what answers it. */
export interface WorkerAnswers {
  readonly catalogue: Catalogue;
  readonly run: LabResult;
  readonly shrink: Plan;
  readonly recordings: LabResult;
}

export interface WorkerReply {
  readonly id: number;
  readonly answer?: WorkerAnswers[keyof WorkerAnswers];
  readonly problem?: string;
}

const catalogue = makeCatalogue();

async function answer(question: WorkerQuestion): Promise<WorkerAnswers[keyof WorkerAnswers]> {
  switch (question.type) {
    case 'catalogue':
      return catalogue;
    case 'run':
      return simulate(catalogue, question.request, () => performance.now());
    case 'shrink':
      return shrink(question.request, question.checker);
    default:
      return readRecordings(question.files);
  }
}

// The simulator runs beside the page, so that a long run does not stop it.
addEventListener('message', (event: MessageEvent<{ readonly id: number; readonly question: WorkerQuestion }>) => {
  const { id, question } = event.data;
  answer(question)
    .then(
      (given): WorkerReply => ({ id, answer: given }),
      (cause: unknown): WorkerReply => ({ id, problem: cause instanceof Error ? cause.message : String(cause) }),
    )
    .then((reply) => postMessage(reply))
    .catch(() => {});
});
