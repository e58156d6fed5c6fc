import type { Delay, World } from '@grp/sim';
import type { Step } from './plan.ts';

export interface PlanNetworkOptions {
  readonly world: Pick<World<unknown>, 'names' | 'network'>;
  /** How long one way between two takes with so much more. */
  readonly delay: (from: string, to: string, extraMs: number) => Delay;
}

type LinkStep = Step & { readonly node: string; readonly peer: string };

/** Does to the network of a world what the steps of a plan say. */
export class PlanNetwork {
  readonly #options: PlanNetworkOptions;

  constructor(options: PlanNetworkOptions) {
    this.#options = options;
  }

  /** What a diagram says of it; undefined for a step about something else, or about nobody who is there. */
  take(step: Step): string | undefined {
    const { network, names } = this.#options.world;
    switch (step.type) {
      case 'loss':
        network.set({ loss: step.share });
        return `loss ${percent(step.share)}`;
      case 'partition': {
        const sides = step.sides.map((side) => side.filter((node) => names.includes(node)));
        const known = sides.filter((side) => side.length > 0);
        network.partition(...known);
        return `partition ${known.map((side) => side.join()).join(' | ')}`;
      }
      case 'heal':
        network.heal();
        return 'heal';
      case 'cut':
      case 'mend':
      case 'link-loss':
      case 'link-delay':
        return names.includes(step.node) && names.includes(step.peer) ? this.#link(step) : undefined;
      default:
        return undefined;
    }
  }

  #link(step: LinkStep): string {
    const { world, delay } = this.#options;
    const { node, peer, type } = step;
    for (const pair of [
      { from: node, to: peer },
      { from: peer, to: node },
    ]) {
      if (type === 'cut' || type === 'mend') world.network[type](pair);
      if (type === 'link-loss') world.network.set({ loss: step.share }, pair);
      if (type === 'link-delay') world.network.set({ delay: delay(pair.from, pair.to, step.extraMs) }, pair);
    }
    const link = `${node}–${peer}`;
    if (type === 'link-loss') return `loss ${percent(step.share)} ${link}`;
    return type === 'link-delay' ? `delay +${step.extraMs} ms ${link}` : `${type} ${link}`;
  }
}

function percent(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`;
}
