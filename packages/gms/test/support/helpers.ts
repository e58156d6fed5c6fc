/** The one that comes first. */
export function earliest<T extends { readonly at: number }>(items: readonly T[]): T | undefined {
  let first: T | undefined;
  for (const item of items) if (first === undefined || item.at < first.at) first = item;
  return first;
}

/** A row of messages in short. */
export function digest(state: readonly string[]): string {
  return `${state.length}:${state.at(-1) ?? ''}`;
}
