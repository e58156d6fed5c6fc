import type { Plan, Step } from '@grp/lab';
import { listText } from '../words.ts';

/** What keeps the row of messages: a group that agrees on views, or a replicated log with disks. */
export type System = 'group' | 'log';

/** What a click can let happen to a process, to the link between two, or to all of the network. */
export type FaultKind =
  | 'crash'
  | 'restart'
  | 'join'
  | 'pause'
  | 'suspect'
  | 'slow-disk'
  | 'isolate'
  | 'multicast'
  | 'cut'
  | 'mend'
  | 'link-loss'
  | 'link-delay'
  | 'link-well'
  | 'heal';

export interface Fault {
  readonly kind: FaultKind;
  readonly node: string;
  /** The other end of the link. */
  readonly peer: string;
  /** Virtual ms. */
  readonly at: number;
  readonly lanes: readonly string[];
}

interface FaultButton {
  readonly kind: FaultKind;
  readonly name: string;
  /** The only system that can have it. */
  readonly only?: System;
}

const lossShare = 0.3;
const delayMs = 50;
const diskMs = 400;

/** The faults of a process, as buttons. */
const processFaults: readonly FaultButton[] = [
  { kind: 'crash', name: 'crash' },
  { kind: 'restart', name: 'restart', only: 'log' },
  { kind: 'pause', name: 'pause for 200 ms' },
  { kind: 'slow-disk', name: `slow disk, up to ${diskMs} ms`, only: 'log' },
  { kind: 'suspect', name: 'others suspect it wrongly', only: 'group' },
  { kind: 'isolate', name: 'cut it off' },
  { kind: 'join', name: 'a new process joins through it', only: 'group' },
  { kind: 'multicast', name: 'let it ask for a change' },
];

/** The faults of a link, as buttons. */
export const linkFaults: readonly FaultButton[] = [
  { kind: 'cut', name: 'cut' },
  { kind: 'mend', name: 'mend' },
  { kind: 'link-loss', name: `lose ${lossShare * 100} %` },
  { kind: 'link-delay', name: `delay by ${delayMs} ms` },
  { kind: 'link-well', name: 'as at first' },
];

/** The faults that a process of a system can have. */
export function faultsOf(system: System): readonly FaultButton[] {
  return processFaults.filter(({ only }) => only === undefined || only === system);
}

/** A plan with one thing more that happens at an instant: the past stays, the future is run anew. */
export function withFault(plan: Plan, fault: Fault): Plan {
  return { ...plan, steps: [...plan.steps, ...stepsOf({ ...fault, at: Math.round(fault.at * 10) / 10 }, plan)] };
}

function stepsOf({ kind, node, peer, at, lanes }: Fault, plan: Plan): readonly Step[] {
  const others = lanes.filter((lane) => lane !== node);
  const link = { at, node, peer };
  switch (kind) {
    case 'crash':
    case 'restart':
      return [{ type: kind, at, node }];
    case 'pause':
      return [
        { type: 'pause', at, node },
        { type: 'resume', at: at + 200, node },
      ];
    case 'join':
      return [{ type: 'join', at, node: newName(plan, lanes), contact: node }];
    case 'suspect':
      return [{ type: 'suspect', at, node, by: others, lastsMs: 200 }];
    case 'slow-disk':
      return [{ type: 'slow-disk', at, node, extraMs: diskMs }];
    case 'isolate':
      return [{ type: 'partition', at, sides: [[node], others] }];
    case 'multicast':
      return [{ type: 'multicast', at, node, count: 1, everyMs: 1 }];
    case 'cut':
    case 'mend':
      return [{ type: kind, ...link }];
    case 'link-loss':
      return [{ type: 'link-loss', ...link, share: lossShare }];
    case 'link-delay':
      return [{ type: 'link-delay', ...link, extraMs: delayMs }];
    case 'link-well':
      return [
        { type: 'mend', ...link },
        { type: 'link-loss', ...link, share: 0 },
        { type: 'link-delay', ...link, extraMs: 0 },
      ];
    default:
      return [{ type: 'heal', at }];
  }
}

/** A name that nobody has, has had, or will have. */
function newName({ founders, steps }: Plan, lanes: readonly string[]): string {
  const joining = steps.flatMap((step) => (step.type === 'join' ? [step.node] : []));
  const taken = [...lanes, ...joining].map((name) => Number(name.slice(1))).filter(Number.isInteger);
  return `n${Math.max(founders, ...taken) + 1}`;
}

/** A step in words. */
export function stepText(step: Step): string {
  switch (step.type) {
    case 'multicast':
      return `${step.node} asks for ${step.count === 1 ? 'a change' : `${step.count} changes, one each ${step.everyMs} ms`}`;
    case 'crash':
      return `${step.node} crashes`;
    case 'restart':
      return `${step.node} starts again, with what is on its disk`;
    case 'crash-after-sends':
      return `${step.node} will crash after ${step.sends} more ${step.sends === 1 ? 'send' : 'sends'} of a multicast`;
    case 'crash-chance':
      return `from now on each send of a multicast kills its sender with probability 1/${step.oneIn}`;
    case 'suspect':
      return `${listText(step.by)} wrongly ${step.by.length === 1 ? 'suspects' : 'suspect'} ${step.node} for ${step.lastsMs} ms`;
    case 'join':
      return `${step.node} joins through ${step.contact}`;
    case 'pause':
    case 'resume':
      return `${step.node} ${step.type === 'pause' ? 'stands still' : 'goes on'}`;
    case 'slow-disk':
      return step.extraMs === 0
        ? `the disk of ${step.node} is as fast as at first`
        : `each flush of the disk of ${step.node} takes up to ${step.extraMs} ms longer`;
    default:
      return networkText(step);
  }
}

type NetworkStep = Extract<
  Step,
  { readonly type: 'loss' | 'partition' | 'heal' | 'cut' | 'mend' | 'link-loss' | 'link-delay' }
>;

function networkText(step: NetworkStep): string {
  switch (step.type) {
    case 'loss':
      return step.share === 0 ? 'nothing is lost from now on' : `${percent(step.share)} are lost from now on`;
    case 'partition':
      return `the network splits: ${step.sides.map((side) => listText(side)).join(' | ')}`;
    case 'cut':
      return `the link ${step.node} – ${step.peer} is cut`;
    case 'mend':
      return `the link ${step.node} – ${step.peer} is whole`;
    case 'link-loss':
      return `the link ${step.node} – ${step.peer} loses ${step.share === 0 ? 'nothing' : percent(step.share)}`;
    case 'link-delay':
      return step.extraMs === 0
        ? `the link ${step.node} – ${step.peer} is as fast as at first`
        : `the link ${step.node} – ${step.peer} takes ${step.extraMs} ms longer`;
    default:
      return 'the network heals';
  }
}

function percent(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`;
}
