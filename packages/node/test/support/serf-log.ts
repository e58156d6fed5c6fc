export interface LogLine {
  /** When it came here, in ms of `performance.now()`; Serf itself stamps whole seconds. */
  readonly at: number;
  readonly level: string;
  /** Without stamp and level. */
  readonly text: string;
}

/** A line of an agent's log; undefined for its banner. */
export function parseLine(text: string, at: number): LogLine | undefined {
  const match = /^\s*\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[(\w+)\] ?(.*)$/.exec(text);
  if (match !== null) return { at, level: match[1] as string, text: match[2] as string };
  const bare = text.trim();
  // Whatever has no level and is no banner (a panic, a failed start) counts as an error.
  return /^(==>|[A-Z][\w ]+: |Join completed\.|$)/.test(bare) ? undefined : { at, level: 'ERR', text: bare };
}

/** What an agent has concluded about a member, before its handlers are told (they hear it bundled, seconds later). */
export function conclusionOf({
  text,
}: LogLine): { readonly kind: 'join' | 'failed' | 'leave'; readonly name: string } | undefined {
  const match = /^serf: EventMember(Join|Failed|Leave): (\S+) /.exec(text);
  if (match === null) return undefined;
  return { kind: (match[1] as string).toLowerCase() as 'join' | 'failed' | 'leave', name: match[2] as string };
}
