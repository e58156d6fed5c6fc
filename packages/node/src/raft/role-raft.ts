import { MapStateMachine } from '@grp/raft';
import { mapRoutes } from '../http/raft-map-routes.ts';
import type { RoleContext, RunningRole } from '../role.ts';

/** The group of the role raft. */
const mapGroup = 'raft';

/** A small linearizable map from keys to values, replicated by raft. */
export function buildRaftRole(context: RoleContext): RunningRole {
  const host = context.raft();
  const map = new MapStateMachine();
  const group = host.open(mapGroup, map);
  return {
    start: () => group.start(),
    stop: (how) => group.stop(how),
    ready: () => group.serving,
    routes(app) {
      host.routes(app);
      mapRoutes(app, group, map, context.recorder);
    },
    metrics: (registry) => host.metrics(registry),
  };
}
