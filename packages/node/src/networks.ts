import { formatAddress, parseAddress, tryParseAddress } from '@grp/core';
import type { Faults, Network } from '@grp/transport-udp';
import { FaultSet } from './faults.ts';
import type { ResolvedOptions } from './options.ts';
import type { NodeParts } from './ports.ts';
import type { RoleDefinition, RoleName, RoleTable } from './role.ts';

/** The open ports of a node, one network for each of its roles. */
export interface Networks {
  readonly byRole: ReadonlyMap<RoleName, Network>;
  readonly ports: Readonly<Partial<Record<RoleName, number>>>;
  readonly faults: FaultSet;
  close(): Promise<void>;
}

/** Opens the port of every role, with fault injection around it. What fails closes those opened before. */
export async function openNetworks(options: ResolvedOptions, parts: NodeParts, table: RoleTable): Promise<Networks> {
  const byRole = new Map<RoleName, Network>();
  const controls: Faults[] = [];
  const close = async (): Promise<void> => {
    await Promise.all([...byRole.values()].map((network) => network.close()));
  };
  try {
    for (const role of options.roles) {
      const network = await openOne(options, parts, table[role]);
      byRole.set(role, network);
      controls.push(network.faults);
    }
  } catch (cause) {
    await close();
    throw cause;
  }
  const ports = Object.fromEntries([...byRole].map(([role, { bound }]) => [role, parseAddress(bound).port]));
  return { byRole, ports, faults: new FaultSet(controls), close };
}

/** The name of a node that was given none: its advertised host and base port, `10.0.0.1-7946`. */
export function defaultName(networks: Networks): string {
  const first = [...networks.byRole.values()][0];
  return (first?.self ?? 'node').replaceAll(/[^A-Za-z0-9.]+/g, '-').replace(/^-/, '');
}

async function openOne({ base, given, logger }: ResolvedOptions, parts: NodeParts, role: RoleDefinition) {
  const { offset, connects = false, streams } = role;
  const { allow, loss, delayMs, duplicate } = given;
  const advertise = shifted(given.advertise, offset);
  const network = await parts.openNetwork({
    bind: formatAddress(base.host, base.port === 0 ? 0 : base.port + offset),
    advertise,
    allow,
    connect: connects,
    ...streams,
    clock: parts.clock,
    logger,
  });
  try {
    return parts.injectFaults(network, {
      clock: parts.clock,
      random: parts.random.fork(`faults-${offset}`),
      ...(loss === undefined ? {} : { loss }),
      ...(delayMs === undefined ? {} : { delayMs }),
      ...(duplicate === undefined ? {} : { duplicate }),
    });
  } catch (cause) {
    await network.close(); // a probability out of bounds
    throw cause;
  }
}

/** The advertised address of a role: a port that was given counts from the base, as the bound one does. */
function shifted(advertise: string | undefined, offset: number): string | undefined {
  if (advertise === undefined || offset === 0) return advertise;
  const parsed = tryParseAddress(advertise);
  return parsed === undefined ? advertise : formatAddress(parsed.host, parsed.port + offset);
}
