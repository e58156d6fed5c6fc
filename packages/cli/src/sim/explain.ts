import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { sanitizeText } from '@grp/core';
import { cliError } from '../errors.ts';
import { simError } from './errors.ts';

/** One line of a trace. */
export interface ExplainedEvent {
  readonly at: number;
  readonly kind: string;
  readonly node?: string;
  readonly [field: string]: unknown;
}

const packetKinds = /^(timer|send|deliver|drop\..*|duplicate|reorder|corrupt|stream\..*|disk\.done|backlog)$/;

/** Head and chosen events of a trace file. @throws GrpError CLI_FILE_UNREADABLE, SIM_TRACE_INVALID */
export async function explainTrace(
  file: string,
  { member, packets }: { readonly member: string | undefined; readonly packets: boolean },
): Promise<{ head: Readonly<Record<string, unknown>>; events: readonly ExplainedEvent[] }> {
  const events: ExplainedEvent[] = [];
  let head: Record<string, unknown> | undefined;
  let number = 0;
  for await (const line of linesOf(file)) {
    const value = parseLine(line, file, ++number);
    if (head === undefined) {
      if (value['schema'] !== 'grp.sim.trace/1') throw simError('SIM_TRACE_INVALID', { context: { file, line: 1 } });
      head = value;
      continue;
    }
    const { at, kind, node } = value;
    if (typeof at !== 'number' || typeof kind !== 'string')
      throw simError('SIM_TRACE_INVALID', { context: { file, line: number } });
    if (member !== undefined && node !== member) continue;
    if (packets ? kind !== 'timer' : !packetKinds.test(kind)) events.push(value as unknown as ExplainedEvent);
  }
  if (head === undefined) throw simError('SIM_TRACE_INVALID', { context: { file, line: 1 } });
  return { head, events };
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw cliError('CLI_FILE_UNREADABLE', { context: { file, reason }, cause });
  }
}

function parseLine(line: string, file: string, number: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // said below
  }
  throw simError('SIM_TRACE_INVALID', { context: { file, line: number } });
}

/** One event as a line: when, where, what, and its details. */
export function eventText({ at, kind, node, text, ...details }: ExplainedEvent): string {
  const rest = Object.entries(details)
    .filter(([, value]) => value !== undefined && value !== 0)
    .map(([name, value]) => `${name}=${String(value)}`);
  const what = typeof text === 'string' ? text : kind;
  const line = [`${(at / 1_000).toFixed(3).padStart(9)} s`, (node ?? '').padEnd(4), what, ...rest].join('  ');
  return sanitizeText(line, { lengthMax: 500 });
}
