import { formatAddress, parseAddress, tryParseAddress } from '@grp/core';
import type { Faults, Network } from '@grp/transport-udp';
import { faultRandom } from './fault-random.ts';
import { FaultSet } from './faults.ts';
import type { ResolvedOptions } from './options.ts';
import type { NodeParts } from './ports.ts';
import type { RoleDefinition, RoleName, RoleTable } from './role.ts';

/** The open ports of a node, one network for each of its roles; roles with `opensPort` have that of raft. */
export interface Networks {
  readonly byRole: ReadonlyMap<RoleName, Network>;
  /** The port of raft, when a role keeps logs with it. */
  readonly raft: Network | undefined;
  readonly ports: Readonly<Partial<Record<RoleName, number>>>;
  readonly faults: FaultSet;
  close(): Promise<void>;
}

/** Opens the port of every role, with fault injection around it. What fails closes those opened before. */
export async function openNetworks(options: ResolvedOptions, parts: NodeParts, table: RoleTable): Promise<Networks> {
  const opened = new Map<RoleName, Network>();
  const controls: Faults[] = [];
  const close = async (): Promise<void> => {
    await Promise.all([...opened.values()].map((network) => network.close()));
  };
  try {
    for (const role of rolesWithNetwork(options.roles, table)) {
      const network = await openOne(options, parts, role, table[role]);
      opened.set(role, network);
      controls.push(network.faults);
    }
  } catch (cause) {
    await close();
    throw cause;
  }
  const ports = Object.fromEntries([...opened].map(([role, { bound }]) => [role, parseAddress(bound).port]));
  for (const role of options.roles)
    if (table[role].opensPort === true && options.portOf(role) !== 0) ports[role] = options.portOf(role);
  const byRole = new Map(options.roles.map((role) => [role, opened.get(role) ?? (opened.get('raft') as Network)]));
  return { byRole, raft: opened.get('raft'), ports, faults: new FaultSet(controls), close };
}

/** Roles that open no port by themselves, and raft for those that keep logs with it. */
function rolesWithNetwork(names: readonly RoleName[], table: RoleTable): readonly RoleName[] {
  const needsPeers = names.some((role) => table[role].peers === true);
  return (Object.keys(table) as RoleName[]).filter(
    (role) => (names.includes(role) && table[role].opensPort !== true) || (role === 'raft' && needsPeers),
  );
}

/** The name of a node that was given none: its advertised host and base port, `10.0.0.1-7946`. */
export function defaultName(networks: Networks): string {
  const first = [...networks.byRole.values()][0];
  return (first?.self ?? 'node').replaceAll(/[^A-Za-z0-9.]+/g, '-').replace(/^-/, '');
}

async function openOne(options: ResolvedOptions, parts: NodeParts, name: RoleName, role: RoleDefinition) {
  const { given, logger, hostOf, portOf } = options;
  const { offset, connects = false, streams } = role;
  const { allow, loss, delayMs, duplicate, seed } = given;
  const chance = seed === undefined ? parts.random : faultRandom(`${seed}/${given.name ?? ''}`);
  const advertise = shifted(given.advertise, offset);
  const network = await parts.openNetwork({
    bind: formatAddress(hostOf(name), portOf(name)),
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
      random: chance.fork(`faults-${offset}`),
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
