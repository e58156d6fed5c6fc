import { listText, plural } from '../words.ts';
import { number, type Json } from '../read.ts';
import type { ClusterModel, NodeRow } from './model.ts';

/** One thing that needs a look, in a sentence. */
export interface Finding {
  readonly level: 'well' | 'notice' | 'trouble';
  readonly sentence: string;
}

/** What is to be said about a cluster, the worst first; when all is well, one sentence that says so. */
export function healthOf(model: ClusterModel): readonly Finding[] {
  const { rows } = model;
  if (rows.length === 0) return [{ level: 'notice', sentence: 'Waiting for the first answer.' }];
  const found = [
    ...memberFindings(rows),
    ...groupFindings(rows),
    ...raftFindings(model),
    ...fileFindings(model),
    ...smallFindings(rows),
  ];
  if (found.length > 0) return found;
  const isAgreed = rows.some(({ sees }) => sees.size > 0);
  const alive = plural(rows.filter(({ state }) => state === 'alive').length, 'member');
  return [{ level: 'well', sentence: `${alive} alive${isAgreed && rows.length > 1 ? ', and all lists agree' : ''}.` }];
}

function memberFindings(rows: readonly NodeRow[]): readonly Finding[] {
  const named = (filter: (row: NodeRow) => boolean): readonly string[] => rows.filter(filter).map(({ name }) => name);
  const down = named(({ state }) => state === 'down');
  const suspect = named(({ state }) => state === 'suspect');
  const unheard = named(({ state, reach }) => state === 'alive' && (reach === 'refused' || reach === 'silent'));
  const found: Finding[] = [];
  if (down.length > 0) found.push({ level: 'trouble', sentence: `${listText(down)} ${is(down)} down.` });
  if (unheard.length > 0)
    found.push({
      level: 'trouble',
      sentence: `${listText(unheard)} ${does(unheard)} not answer; the membership has not judged yet.`,
    });
  if (suspect.length > 0)
    found.push({
      level: 'notice',
      sentence: `${listText(suspect)} ${is(suspect)} suspected: silent, and may still refute.`,
    });
  const split = disagreements(rows);
  if (split !== undefined && down.length + suspect.length + unheard.length === 0)
    found.push({ level: 'notice', sentence: split });
  return found;
}

/** Two living members whose lists differ. */
function disagreements(rows: readonly NodeRow[]): string | undefined {
  for (const row of rows)
    for (const [name, { state }] of row.sees) {
      const other = rows.find((one) => one.sees.get(name) !== undefined && one.sees.get(name)?.state !== state);
      if (other !== undefined)
        return `The lists differ: ${row.name} has ${name} as ${state}, ${other.name} as ${other.sees.get(name)?.state}.`;
    }
  return undefined;
}

function groupFindings(rows: readonly NodeRow[]): readonly Finding[] {
  const parts = rows.filter(({ group }) => group !== undefined);
  const blocked = parts.filter(({ group }) => group?.status === 'blocked').map(({ name }) => name);
  const found: Finding[] = [];
  if (blocked.length > 0)
    found.push({ level: 'notice', sentence: `${listText(blocked)} ${is(blocked)} blocked: no majority of the view.` });
  const atSame = new Map<number, Set<string>>();
  for (const { group } of parts)
    if (group?.status === 'joined')
      atSame.set(group.sequence, (atSame.get(group.sequence) ?? new Set()).add(group.orderHash));
  for (const [sequence, hashes] of atSame)
    if (hashes.size > 1)
      found.push({ level: 'trouble', sentence: `Deliveries differ up to message ${sequence}: this must never be.` });
  return found;
}

function raftFindings({ raft }: ClusterModel): readonly Finding[] {
  return raft
    .filter(({ leader }) => leader === undefined)
    .map(({ name, term }) => ({ level: 'notice', sentence: `The raft group ${name} has no leader in term ${term}.` }));
}

function fileFindings({ repair = {} }: ClusterModel): readonly Finding[] {
  const [lost, short] = [number(repair['lost']), number(repair['underReplicated'])];
  const found: Finding[] = [];
  if (lost > 0)
    found.push({ level: 'trouble', sentence: `${plural(lost, 'file')} cannot be read until a server comes back.` });
  if (short > 0)
    found.push({
      level: 'notice',
      sentence: `${plural(short, 'file')} with too few copies; ${number(repair['copying'])} are being copied.`,
    });
  return found;
}

/** How the mending of files is going, in a few words. */
export function repairText(repair: Json | undefined): string {
  if (repair === undefined) return '';
  const files = plural(number(repair['files']), 'file');
  const done = plural(number(repair['copiesDone']), 'copy', 'copies');
  if (repair['idle'] === true) return `${files}, every copy in its place; ${done} mended so far`;
  const [short, copying] = [number(repair['underReplicated']), number(repair['copying'])];
  return `${files}; ${short} with too few copies, ${copying} being copied, ${done} mended so far`;
}

function smallFindings(rows: readonly NodeRow[]): readonly Finding[] {
  const faulty = rows.filter(({ faults }) => faults.length > 0);
  const denied = rows.filter(({ reach }) => reach === 'denied').map(({ name }) => name);
  const found: Finding[] = [];
  if (faulty.length > 0)
    found.push({
      level: 'notice',
      sentence: `Faults on purpose: ${faulty.map(({ name, faults }) => `${name} (${faults.join(', ')})`).join('; ')}.`,
    });
  if (denied.length > 0)
    found.push({ level: 'notice', sentence: `${listText(denied)} ${want(denied)} another token.` });
  return found;
}

const is = (names: readonly string[]): string => (names.length === 1 ? 'is' : 'are');
const does = (names: readonly string[]): string => (names.length === 1 ? 'does' : 'do');
const want = (names: readonly string[]): string => (names.length === 1 ? 'wants' : 'want');
