import type { Millis } from '@grp/core';
import type { Checker } from '../history.ts';

/** All faults have ended. */
export interface CalmEvent {
  readonly type: 'calm';
  readonly at: Millis;
}

/** Somebody got something done. */
export interface ProgressEvent {
  readonly type: 'progress';
  readonly at: Millis;
  readonly node: string;
}

/**
 * Liveness: after the last `calm` everyone named makes progress within `withinMs`. A run without a `calm` proves nothing,
 * and is a violation. Other events are ignored.
 */
export function livenessAfterCalm(options: {
  readonly withinMs: Millis;
  readonly nodes: readonly string[];
}): Checker<{ readonly type: string } | CalmEvent | ProgressEvent> {
  const name = 'liveness after calm';
  const { withinMs, nodes } = options;
  let calmAt: Millis | undefined;
  const progressAt = new Map<string, Millis>();
  return {
    name,
    observe(event) {
      if (event.type === 'calm') {
        calmAt = (event as CalmEvent).at;
        progressAt.clear();
      } else if (event.type === 'progress') {
        const { node, at } = event as ProgressEvent;
        if (!progressAt.has(node)) progressAt.set(node, at);
      }
    },
    finish() {
      if (calmAt === undefined) return [{ checker: name, message: 'Calm never came.' }];
      const deadline = calmAt + withinMs;
      return nodes
        .filter((node) => (progressAt.get(node) ?? Infinity) > deadline)
        .map((node) => {
          const at = progressAt.get(node);
          const when = at === undefined ? 'made no progress at all' : `made progress only at ${at} ms`;
          return { checker: name, message: `${node} ${when}; calm came at ${String(calmAt)} ms.`, node };
        });
    },
  };
}
