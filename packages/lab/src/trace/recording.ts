import type { Operation } from '@grp/sim';
import type { Mark, SpaceTimeEvent } from '../spacetime/events.ts';

/** The first line of what `grp node start --record` writes. */
export interface RecordingHead {
  readonly schema: 'grp.node.recording/1';
  /** The node, and this life of it. */
  readonly name: string;
  readonly id: string;
  /** Its clock at `at: 0`, in Unix ms. */
  readonly wallMs: number;
  /** Where it listens, by role. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** A message that left. */
export interface RecordedDeparture {
  readonly type: 'departure';
  readonly at: number;
  readonly role: string;
  /** An address, or for raft a server's id. */
  readonly to: string;
  readonly kind: string;
  readonly label: string;
  /** The same in both recordings of a message. */
  readonly key: string;
}
export interface RecordedArrival {
  readonly type: 'arrival';
  readonly at: number;
  readonly role: string;
  readonly from: string;
  readonly kind: string;
  readonly label: string;
  readonly key: string;
}
/** Something that happened in the node alone. */
export interface RecordedMark {
  readonly type: 'mark';
  readonly at: number;
  readonly role: string;
  readonly mark: Mark['mark'];
  readonly label: string;
  /** So many events before this one are not in the file. */
  readonly missing?: number;
}
/** What a client asked this node for, and the answer; `call` and `return` count as `at` does. */
export type RecordedOperation = { readonly type: 'operation'; readonly at: number; readonly operation: Operation };

export type RecordedEvent = RecordedDeparture | RecordedArrival | RecordedMark | RecordedOperation;

/** One node's file. */
export interface NodeRecording {
  readonly head: RecordingHead;
  readonly events: readonly RecordedEvent[];
  /** What the recorder left out, as its last line says; of a killed node, which has none, as far as the others say. */
  readonly omittedCount: number;
}

const markKinds: readonly SpaceTimeEventMark[] = ['send', 'deliver', 'view', 'state', 'crash', 'suspect', 'trouble'];
type SpaceTimeEventMark = Extract<SpaceTimeEvent, { type: 'mark' }>['mark'];
const eventsMax = 1_000_000;
const textMax = 300;

/**
 * Reads one node's recording: the recording, or what is wrong with it. A last line without its end, as a killed process
 * leaves it, is passed over.
 */
export function parseRecordingFile(text: string): NodeRecording | string {
  const lines = text.split('\n');
  const isWhole = lines.at(-1) === '';
  if (isWhole) lines.pop();
  const head = parseHead(parseLine(lines[0] ?? ''));
  if (typeof head === 'string') return head;
  const events: RecordedEvent[] = [];
  let beyondCount = 0;
  let missingCount = 0;
  let saidCount: number | undefined;
  for (const [index, line] of lines.slice(1).entries()) {
    const value = parseLine(line);
    if (value?.['type'] === 'end' && isCount(value['omitted'])) {
      saidCount = value['omitted'];
      continue;
    }
    const event = value === undefined ? undefined : parseEvent(value);
    if (event === undefined) {
      if (index === lines.length - 2 && !isWhole) break;
      return `line ${index + 2} is no event of a recording`;
    }
    if (event.type === 'mark') missingCount += event.missing ?? 0;
    if (events.length < eventsMax) events.push(event);
    else beyondCount++;
  }
  return { head, events, omittedCount: beyondCount + (saidCount ?? missingCount) };
}

function parseLine(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function parseHead(value: Readonly<Record<string, unknown>> | undefined): RecordingHead | string {
  const { schema, name, id, wallMs, addresses } = value ?? {};
  if (schema !== 'grp.node.recording/1') return 'its first line does not have the schema grp.node.recording/1';
  if (!isText(name) || !isText(id)) return 'its first line names no node';
  if (!isTime(wallMs)) return 'its first line has no wallMs';
  const given = typeof addresses === 'object' && addresses !== null ? Object.entries(addresses) : [];
  return { schema, name, id, wallMs, addresses: Object.fromEntries(given.filter(([, address]) => isText(address))) };
}

function parseEvent(value: Readonly<Record<string, unknown>>): RecordedEvent | undefined {
  const { type, at, role, kind, label, key, to, from, mark, operation, missing } = value;
  if (!isTime(at)) return undefined;
  if (type === 'operation') return isOperation(operation) ? { type, at, operation } : undefined;
  if (!isText(role) || !isText(label)) return undefined;
  if (type === 'mark') {
    const known = markKinds.find((one) => one === mark);
    if (known === undefined) return undefined;
    return { type, at, role, mark: known, label, ...(isCount(missing) && { missing }) };
  }
  if (!isText(kind) || !isText(key)) return undefined;
  if (type === 'departure') return isText(to) ? { type, at, role, to, kind, label, key } : undefined;
  if (type === 'arrival') return isText(from) ? { type, at, role, from, kind, label, key } : undefined;
  return undefined;
}

function isOperation(value: unknown): value is Operation {
  if (typeof value !== 'object' || value === null) return false;
  const { process, f, key, call, return: ended, type } = value as Readonly<Record<string, unknown>>;
  const isKnown = type === 'ok' || type === 'fail' || type === 'info';
  return isText(process) && isText(f) && isText(key) && isTime(call) && (ended === null || isTime(ended)) && isKnown;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= textMax;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isCount(value: unknown): value is number {
  return isTime(value) && Number.isInteger(value);
}
