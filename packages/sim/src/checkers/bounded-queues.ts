import type { Millis } from '@grp/core';
import type { Checker, Violation } from '../history.ts';

/** How much waits somewhere. */
export interface QueueEvent {
  readonly type: 'queue';
  readonly at: Millis;
  readonly node: string;
  readonly queue: string;
  readonly size: number;
}

/**
 * No queue grows beyond its limit, and at the end, when all is calm, each is back to at most `restMax`. Other events are
 * ignored.
 */
export function boundedQueues(options: {
  /** By the queue's name; a queue without a limit is a violation. */
  readonly limits: Readonly<Record<string, number>>;
  /** What may be left in a queue at the end (default: anything). */
  readonly restMax?: number;
}): Checker<{ readonly type: string } | QueueEvent> {
  const name = 'bounded queues';
  const { limits, restMax = Infinity } = options;
  const last = new Map<string, QueueEvent>();
  // The worst of each queue is enough: a queue that is too long stays so for many events.
  const worst = new Map<string, Violation & { readonly size: number }>();
  return {
    name,
    observe(event) {
      if (!isQueueEvent(event)) return;
      const { at, node, queue, size } = event;
      const key = `${node} ${queue}`;
      last.set(key, event);
      const limit = limits[queue];
      if (limit !== undefined && size <= limit) return;
      if ((worst.get(key)?.size ?? -1) >= size) return;
      const message =
        limit === undefined
          ? `${queue} of ${node} has no limit.`
          : `${queue} of ${node} held ${size}, and its limit is ${limit}.`;
      worst.set(key, { checker: name, message, at, node, size });
    },
    finish() {
      const left = [...last.values()].filter(({ size }) => size > restMax);
      return [
        ...[...worst.values()].map(({ size: _size, ...violation }) => violation),
        ...left.map(({ at, node, queue, size }) => ({
          checker: name,
          message: `${queue} of ${node} still holds ${size} at the end; ${restMax} would be right.`,
          at,
          node,
        })),
      ];
    },
  };
}

function isQueueEvent(event: { readonly type: string }): event is QueueEvent {
  return event.type === 'queue';
}
