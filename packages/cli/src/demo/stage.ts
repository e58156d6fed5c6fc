import type { MembersDocument } from '../client/documents.ts';
import type { ObservedNode } from '../cluster/observe.ts';
import { cliError } from '../errors.ts';
import type { Observers } from './observers.ts';
import type { Fact, Judgement } from './promises.ts';

/** Hears the story as it happens. */
export interface Teller {
  chapter(text: string): void;
  line(text: string): void;
  members(list: MembersDocument): void;
  /** One row per node: the last colours it was given, oldest first. */
  colours(rows: readonly { readonly node: string; readonly colours: readonly string[] }[]): void;
  progress(text: string): void;
}

/** Where the acts play. */
export interface Stage {
  readonly dir: string;
  readonly nodes: readonly ObservedNode[];
  readonly observers: Observers;
  readonly signal: AbortSignal;
  readonly tell: Teller;
}

/** What an act has shown. */
export interface Act {
  readonly facts: readonly Fact[];
  readonly promises: readonly Judgement[];
}

/** @throws GrpError DEMO_FAILED when there is no such node */
export function nodeNamed(nodes: readonly ObservedNode[], name: string): ObservedNode {
  const node = nodes.find(({ id }) => id === name);
  if (node === undefined) throw cliError('DEMO_FAILED', { context: { reason: `${name} is missing.` } });
  return node;
}

export function secondsText(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
