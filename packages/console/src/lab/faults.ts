import type { Plan, Step } from '@grp/lab';
import { listText } from '../words.ts';

/** What a click can let happen. */
export type FaultKind = 'crash' | 'pause' | 'suspect' | 'isolate' | 'multicast' | 'heal';

/** What each fault does, for its button. */
export const faultNames: Readonly<Record<FaultKind, string>> = {
  crash: 'crash',
  pause: 'pause for 200 ms',
  suspect: 'others suspect it wrongly',
  isolate: 'cut it off',
  multicast: 'let it ask for a change',
  heal: 'heal the network',
};

/** A plan with one thing more that happens to a process at an instant: the past stays, the future is run anew. */
export function withFault(
  plan: Plan,
  fault: { readonly kind: FaultKind; readonly node: string; readonly at: number; readonly lanes: readonly string[] },
): Plan {
  const at = Math.round(fault.at * 10) / 10;
  const others = fault.lanes.filter((lane) => lane !== fault.node);
  return { ...plan, steps: [...plan.steps, ...stepsOf(fault.kind, fault.node, at, others)] };
}

function stepsOf(kind: FaultKind, node: string, at: number, others: readonly string[]): readonly Step[] {
  switch (kind) {
    case 'crash':
      return [{ type: 'crash', at, node }];
    case 'pause':
      return [
        { type: 'pause', at, node },
        { type: 'resume', at: at + 200, node },
      ];
    case 'suspect':
      return [{ type: 'suspect', at, node, by: others, lastsMs: 200 }];
    case 'isolate':
      return [{ type: 'partition', at, sides: [[node], others] }];
    case 'multicast':
      return [{ type: 'multicast', at, node, count: 1, everyMs: 1 }];
    default:
      return [{ type: 'heal', at }];
  }
}

/** A step in words. */
export function stepText(step: Step): string {
  switch (step.type) {
    case 'multicast':
      return `${step.node} asks for ${step.count === 1 ? 'a change' : `${step.count} changes, one each ${step.everyMs} ms`}`;
    case 'crash':
      return `${step.node} crashes`;
    case 'crash-after-sends':
      return `${step.node} will crash after ${step.sends} more ${step.sends === 1 ? 'send' : 'sends'} of a multicast`;
    case 'crash-chance':
      return `from now on each send of a multicast kills its sender with probability 1/${step.oneIn}`;
    case 'suspect':
      return `${listText(step.by)} wrongly ${step.by.length === 1 ? 'suspects' : 'suspect'} ${step.node} for ${step.lastsMs} ms`;
    case 'join':
      return `${step.node} joins through ${step.contact}`;
    case 'loss':
      return step.share === 0
        ? 'nothing is lost from now on'
        : `${Math.round(step.share * 1_000) / 10} % are lost from now on`;
    case 'pause':
    case 'resume':
      return `${step.node} ${step.type === 'pause' ? 'stands still' : 'goes on'}`;
    case 'partition':
      return `the network splits: ${step.sides.map((side) => listText(side)).join(' | ')}`;
    default:
      return 'the network heals';
  }
}
