import { decodeFilter, encodeFilter, isMalformed } from '@grp/memberlist-wire';
import type { QueryOptions, Tags } from '../api.ts';
import type { SerfMember } from './context.ts';
import { filterStepsMax, filtersMax } from './limits.ts';
import { readPattern, type Pattern } from './pattern.ts';

/** Which members a query is for, as the wire has it: each filter is one more condition. */
export function encodeFilters({ names = [], tags = {} }: QueryOptions): Uint8Array[] {
  const filters = Object.entries(tags).map(([tag, expression]) => encodeFilter({ type: 'tag', tag, expression }));
  return names.length === 0 ? filters : [encodeFilter({ type: 'nodes', names }), ...filters];
}

/** Does the query concern this member? `undefined`: to find out would take too long. */
export type Selector = (member: Pick<SerfMember, 'name' | 'tags'>) => boolean | undefined;

/** A tag that the member does not have counts as the empty text, as in Serf. `undefined`: a filter cannot be read. */
export function readFilters(filters: readonly Uint8Array[]): Selector | undefined {
  if (filters.length > filtersMax) return undefined;
  const names: ReadonlySet<string>[] = [];
  const tags: { readonly tag: string; readonly pattern: Pattern }[] = [];
  for (const bytes of filters) {
    const filter = decodeFilter(bytes);
    if (isMalformed(filter)) return undefined;
    if (filter.type === 'nodes') {
      names.push(new Set(filter.names));
      continue;
    }
    const pattern = readPattern(filter.expression);
    if (pattern === undefined) return undefined;
    tags.push({ tag: filter.tag, pattern });
  }
  return (member) => (names.every((set) => set.has(member.name)) ? matchTags(tags, member.tags) : false);
}

function matchTags(
  filters: readonly { readonly tag: string; readonly pattern: Pattern }[],
  tags: Tags,
): boolean | undefined {
  let stepsLeft = filterStepsMax;
  for (const { tag, pattern } of filters) {
    const value = (Object.hasOwn(tags, tag) ? tags[tag] : undefined) ?? '';
    stepsLeft -= pattern.stepsMax(value);
    if (stepsLeft < 0) return undefined;
    if (!pattern.matches(value)) return false;
  }
  return true;
}
