import { formatAddress, parseAddress, type Address } from '@grp/core';
import type { Faults, FaultSettings } from '@grp/transport-udp';

/** The faults of a node, as the HTTP API shows them. */
export interface NodeFaults extends FaultSettings {
  /** Addresses that are cut off, both ways. */
  readonly block: readonly Address[];
}

/** What to change. `block` is the whole list: an empty one heals all. */
export type FaultChange = Partial<FaultSettings> & { readonly block?: readonly string[] | undefined };

/** The faults of all networks of a node, changed as one. */
export class FaultSet {
  readonly #controls: readonly Faults[];
  #blocked: readonly Address[] = [];

  constructor(controls: readonly Faults[]) {
    this.#controls = controls;
  }

  get(): NodeFaults {
    const none = { loss: 0, lossIncoming: 0, delayMs: 0, delayJitterMs: 0, duplicate: 0 };
    return { ...(this.#controls[0]?.get() ?? none), block: this.#blocked };
  }

  /**
   * What is not named stays as it is.
   * @throws GrpError ADDRESS_INVALID, CONFIG_INVALID; then nothing has changed
   */
  set({ block, ...settings }: FaultChange): void {
    const wanted = block?.map((text) => {
      const { host, port } = parseAddress(text);
      return formatAddress(host, port);
    });
    for (const control of this.#controls) control.set(settings);
    if (wanted === undefined) return;
    // A link that stays cut must not come to life for a moment, so healing everything is the last resort.
    const heals = this.#blocked.some((address) => !wanted.includes(address));
    for (const control of this.#controls) {
      if (heals) control.unblock();
      control.block(wanted);
    }
    this.#blocked = [...new Set(wanted)];
  }
}
