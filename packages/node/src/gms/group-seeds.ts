import { formatAddress, parseAddress, tryParseAddress, type Address } from '@grp/core';
import type { Swim } from '@grp/swim';
import { portOfRole } from '../ports-tag.ts';
import type { NodeParts } from '../ports.ts';

const gmsOffset = 1;
const defaultSeedPort = 7_946;

export interface GroupSeedsOptions {
  readonly swim: Swim | undefined;
  /** Base addresses of other nodes, as the user gave them. */
  readonly seeds: readonly string[];
  readonly self: Address;
  readonly parts: Pick<NodeParts, 'resolveSeeds'>;
}

/**
 * Where the group may be found: the members of swim that announce a group port, oldest life first, or, without swim, the
 * group ports beside the base ports of the seeds.
 */
export async function groupSeeds({ swim, seeds, self, parts }: GroupSeedsOptions): Promise<readonly Address[]> {
  if (swim !== undefined) return announced(swim);
  if (seeds.length === 0) return [];
  const { addresses } = await parts.resolveSeeds(seeds, { defaultPort: defaultSeedPort });
  return addresses.map((address) => shifted(address)).filter((address) => address !== self);
}

function announced(swim: Swim): readonly Address[] {
  return swim
    .members()
    .filter(({ id, status }) => id !== swim.self.id && (status === 'alive' || status === 'suspect'))
    .toSorted((one, other) => (one.startedAt ?? 0) - (other.startedAt ?? 0))
    .flatMap(({ address, tags }) => {
      const port = portOfRole(tags['ports'], 'gms');
      const host = tryParseAddress(address)?.host;
      return port === undefined || host === undefined ? [] : [formatAddress(host, port)];
    });
}

function shifted(address: Address): Address {
  const { host, port } = parseAddress(address);
  return formatAddress(host, port + gmsOffset);
}
