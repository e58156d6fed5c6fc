import { nodeError } from './errors.ts';
import { buildSwimRole } from './role-swim.ts';
import type { RoleName, RoleTable } from './role.ts';

/** HTTP's offset from the base port. */
export const httpOffset = 7;

/**
 * Role → port and wiring, in the order of building. A new role is one more `build` here. Each is loaded when it is built: a
 * node with one role should not pay for all.
 */
export const roles: RoleTable = {
  swim: { offset: 0, protocols: ['udp', 'tcp'], build: buildSwimRole },
  gms: {
    offset: 1,
    protocols: ['udp'],
    connects: true,
    build: async (context) => (await import('./gms/role-gms.ts')).buildGmsRole(context),
  },
  messenger: { offset: 2, protocols: ['udp'] },
  // As many connections as the tracker takes, and as many from one host: its own limits are the lower ones.
  tracker: {
    offset: 3,
    protocols: ['tcp'],
    streams: { maxStreams: 16_384, maxStreamsPerPeer: 2_048 },
    build: async (context) => (await import('./tracker/role-tracker.ts')).buildTrackerRole(context),
  },
  raft: {
    offset: 4,
    protocols: ['tcp'],
    peers: true,
    build: async (context) => (await import('./raft/role-raft.ts')).buildRaftRole(context),
  },
  chat: {
    offset: 5,
    protocols: ['tcp'],
    peers: true,
    opensPort: true,
    build: async (context) => (await import('./chat/role-chat.ts')).buildChatRole(context),
  },
  // Every client of the store holds two connections to each file server.
  dfs: {
    offset: 6,
    protocols: ['tcp'],
    peers: true,
    streams: { maxStreams: 2_048, maxStreamsPerPeer: 1_024 },
    needs: ['swim'],
    build: async (context) => (await import('./dfs/role-dfs.ts')).buildDfsRole(context),
  },
};

/**
 * The roles asked for and those that they need, each once, in the order of the table.
 * @throws GrpError NODE_ROLES_EMPTY, NODE_ROLE_UNKNOWN, NODE_ROLE_UNAVAILABLE
 */
export function checkRoles(names: readonly string[], table: RoleTable = roles): readonly RoleName[] {
  if (names.length === 0) throw nodeError('NODE_ROLES_EMPTY');
  const known = Object.keys(table) as RoleName[];
  const available = known.filter((role) => table[role].build !== undefined).join(', ');
  for (const role of names) {
    const context = { role: role.slice(0, 80), available };
    if (!Object.hasOwn(table, role)) throw nodeError('NODE_ROLE_UNKNOWN', { context });
    if (table[role as RoleName].build === undefined) throw nodeError('NODE_ROLE_UNAVAILABLE', { context });
  }
  const wanted = new Set([...names, ...(names as RoleName[]).flatMap((role) => table[role].needs ?? [])]);
  return known.filter((role) => wanted.has(role));
}
