import { htmlPage } from './html.ts';
import { perfettoTrace } from './perfetto.ts';
import { porcupineOperations } from './porcupine.ts';
import { shivizLog } from './shiviz.ts';
import type { LabTrace } from './trace.ts';

/** What a trace can be written as. */
export const exportFormats = ['html', 'shiviz', 'perfetto', 'porcupine'] as const;
/** The name of a format that a trace can be written in. */
export type ExportFormat = (typeof exportFormats)[number];

/** The whole file, as text. */
export function exportTrace(trace: LabTrace, format: ExportFormat): string {
  return writers[format](trace);
}

const writers: Readonly<Record<ExportFormat, (trace: LabTrace) => string>> = {
  html: (trace) => htmlPage(trace),
  shiviz: shivizLog,
  perfetto: (trace) => `${JSON.stringify(perfettoTrace(trace))}\n`,
  porcupine: (trace) => `${JSON.stringify(porcupineOperations(trace))}\n`,
};
