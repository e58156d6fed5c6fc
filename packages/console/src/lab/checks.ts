/** A checker and what it says at an instant. */
export interface Check {
  readonly name: string;
  /** `broken` from the moment on at which its first violation happened; `ahead`: it will be. */
  readonly state: 'holds' | 'broken' | 'ahead';
  readonly at: number | undefined;
  readonly message: string;
}

export interface Finding {
  readonly checker: string;
  readonly message: string;
  readonly at?: number;
}

/** Every checker with its state at an instant. A violation without a time shows when all is over. */
export function checksAt(
  names: readonly string[],
  violations: readonly Finding[],
  { at, endsAt }: { readonly at: number; readonly endsAt: number },
): readonly Check[] {
  const all = [...new Set([...names, ...violations.map(({ checker }) => checker)])];
  return all.map((name) => {
    const own = violations.filter(({ checker }) => checker === name);
    const first = own.toSorted((a, b) => (a.at ?? endsAt) - (b.at ?? endsAt))[0];
    if (first === undefined) return { name, state: 'holds', at: undefined, message: '' };
    const brokeAt = Math.min(first.at ?? endsAt, endsAt);
    return { name, state: at >= brokeAt ? 'broken' : 'ahead', at: brokeAt, message: first.message };
  });
}
