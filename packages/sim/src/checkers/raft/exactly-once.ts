import type { Millis } from '@grp/core';
import type { Checker, Violation } from '../../history.ts';

/** A command, named by its client. */
export type CommandEvent =
  /** A state machine carried it out, as part of the entry at `index`. */
  | {
      readonly type: 'executed';
      readonly at: Millis;
      readonly node: string;
      readonly command: string;
      readonly index: number;
    }
  /** Its client was told that it is done. */
  | { readonly type: 'acknowledged'; readonly at: Millis; readonly command: string }
  /** The client was told that it surely is not done, and never will be. */
  | { readonly type: 'denied'; readonly at: Millis; readonly command: string };

/**
 * Exactly once: no command is carried out twice, that is, at two places of the log; each that was acknowledged was carried
 * out, and none that was denied.
 */
export function exactlyOnce(): Checker<CommandEvent | { readonly type: string }> {
  const name = 'exactly once';
  const places = new Map<string, number>();
  const acknowledged = new Map<string, Millis>();
  const denied = new Map<string, Millis>();
  const violations: Violation[] = [];
  return {
    name,
    observe(other) {
      if (other.type !== 'executed' && other.type !== 'acknowledged' && other.type !== 'denied') return;
      const event = other as CommandEvent;
      const { command, at } = event;
      if (event.type === 'acknowledged') acknowledged.set(command, at);
      else if (event.type === 'denied') denied.set(command, at);
      else {
        const { node, index } = event;
        const place = places.get(command);
        if (place === undefined) places.set(command, index);
        else if (place !== index) {
          const message = `${command} was carried out at ${place}, and by ${node} at ${index} as well.`;
          violations.push({ checker: name, message, at, node });
        }
      }
    },
    finish() {
      for (const [command, at] of acknowledged)
        if (!places.has(command))
          violations.push({ checker: name, message: `${command} was acknowledged and never carried out.`, at });
      for (const [command, at] of denied)
        if (places.has(command))
          violations.push({ checker: name, message: `${command} was denied and carried out.`, at });
      return violations;
    },
  };
}
