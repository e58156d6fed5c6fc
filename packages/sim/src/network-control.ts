import { simError } from './errors.ts';
import type { Engine } from './engine.ts';
import type { LinkSettings } from './links.ts';
import type { Network, NetworkHost } from './network.ts';

/** Which ordered pairs something is about; an absent side means every node. */
export interface PairNames {
  readonly from?: string | readonly string[];
  readonly to?: string | readonly string[];
}

/** The network as a test sees it. Splits and cuts also stop what is on its way; settings are for what is sent from now on. */
export interface NetworkControl {
  /** Splits the nodes into groups that do not hear each other; the nodes in no group form one more. Replaces an older split. */
  partition(...groups: readonly (readonly string[])[]): void;
  /** Nothing gets through from one to the other; the way back stays. Nodes that are added later are not part of it. */
  cut(pair: PairNames): void;
  /** Takes back the cut from one to the other; a split that keeps them apart stays. */
  mend(pair: PairNames): void;
  /** Takes back every split and cut. */
  heal(): void;
  /** Changes settings, for all pairs or some. The last word on a pair counts. @throws GrpError CONFIG_INVALID */
  set(settings: Partial<LinkSettings>, pair?: PairNames): void;
  /** All settings as at the start of the world. */
  reset(): void;
  /** Does a datagram get from one to the other, as far as splits and cuts are concerned? */
  reaches(from: string, to: string): boolean;
}

export function networkControl(engine: Engine, network: Network): NetworkControl {
  const byName = (name: string): NetworkHost => {
    const host = network.hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw simError('SIM_NODE_UNKNOWN', { context: { name } });
    return host;
  };
  const select = (names: string | readonly string[] | undefined): readonly NetworkHost[] => {
    if (names === undefined) return network.hosts;
    return typeof names === 'string' ? [byName(names)] : names.map(byName);
  };
  const indices = (names: string | readonly string[] | undefined): readonly number[] | undefined =>
    names === undefined ? undefined : select(names).map((host) => host.index);
  const setCuts = ({ from, to }: PairNames, isCut: boolean): void => {
    for (const source of select(from))
      for (const target of select(to)) if (source !== target) network.setCut({ from: source, to: target }, isCut);
  };

  return {
    partition(...groups) {
      const split = groups.map((names) => names.map(byName));
      for (const host of network.hosts) host.group = 0;
      for (const [index, hosts] of split.entries()) for (const host of hosts) host.group = index + 1;
      engine.trace.world('partition', groups.length);
    },
    cut(pair) {
      setCuts(pair, true);
      engine.trace.world('cut');
    },
    mend(pair) {
      setCuts(pair, false);
      engine.trace.world('heal');
    },
    heal() {
      network.heal();
      engine.trace.world('heal');
    },
    set(settings, { from, to } = {}) {
      network.links.set(settings, { from: indices(from), to: indices(to) });
      engine.trace.world('network');
    },
    reset() {
      network.links.reset();
      engine.trace.world('network');
    },
    reaches: (from, to) => network.reachable(byName(from), byName(to)),
  };
}
