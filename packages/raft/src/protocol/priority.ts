import type { ServerId } from '../types.ts';

/** Who should lead, other things being equal: the greater priority, then the greater id. */
export interface Standing {
  readonly id: ServerId;
  readonly priority: number;
}

/** Compares ids as people count: `n10` comes after `n9`. A total order. */
export function compareIds(a: ServerId, b: ServerId): number {
  const [partsA, partsB] = [parts(a), parts(b)];
  for (const [index, left] of partsA.entries()) {
    const right = partsB[index];
    if (right === undefined) return 1;
    if (left === right) continue;
    const [numberLeft, numberRight] = [Number(left), Number(right)];
    const bothNumbers = !Number.isNaN(numberLeft) && !Number.isNaN(numberRight);
    if (bothNumbers && numberLeft !== numberRight) return numberLeft - numberRight;
    return left < right ? -1 : 1;
  }
  return partsA.length - partsB.length;
}

function parts(id: ServerId): string[] {
  return id.match(/\d+|\D+/g) ?? [];
}

/** Negative: `a` should lead before `b`. */
export function compareStandings(a: Standing, b: Standing): number {
  return b.priority - a.priority || compareIds(b.id, a.id);
}
