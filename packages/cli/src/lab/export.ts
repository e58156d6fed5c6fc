import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { exportTrace, type ExportFormat, type LabTrace } from '@grp/lab';
import { labError } from './errors.ts';
import { openSource, traceOfName } from './trace-file.ts';

/** The trace in these files, or of this lesson or study. @throws GrpError as `openSource`; LAB_SCENARIO */
export async function traceToExport(
  sources: readonly string[],
  { level, seed }: { readonly level?: string | undefined; readonly seed?: number | undefined },
): Promise<LabTrace> {
  const [only = ''] = sources;
  const named = sources.length === 1 && !existsSync(only) ? await traceOfName(only, level, seed) : undefined;
  return named ?? (await openSource(sources)).trace;
}

/** @throws GrpError LAB_NO_OPERATIONS: Porcupine judges clients, and this trace has none */
export function exportText(trace: LabTrace, format: ExportFormat): string {
  if (format === 'porcupine' && trace.operations.length === 0)
    throw labError('LAB_NO_OPERATIONS', { context: { title: trace.title } });
  return exportTrace(trace, format);
}

/** @throws GrpError LAB_EXPORT_UNWRITABLE */
export async function writeExport(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw labError('LAB_EXPORT_UNWRITABLE', { context: { file, reason }, cause });
  }
}
