import type { Clock, Logger } from '@grp/core';
import type { Swim } from '@grp/swim';
import type { FastifyInstance } from 'fastify';
import type { EventHub } from '../http/event-hub.ts';
import type { ResolvedOptions } from '../options.ts';
import type { RaftHost } from '../raft/raft-host.ts';
import { peerClient } from './ask-peer.ts';
import { ClusterEvents } from './cluster-events.ts';
import { ClusterView } from './cluster.ts';
import { clusterEventRoutes, clusterRoutes, localDocuments } from './cluster-routes.ts';
import { peerListener } from './listen-to-peer.ts';
import { PageFiles } from './page-files.ts';
import { pageRoutes } from './page-routes.ts';
import { httpTag, placeOfMember, placeOfServer, type PeerPlace } from './peers.ts';

export interface ConsoleParts {
  readonly app: FastifyInstance;
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  /** This node's own events. */
  readonly hub: EventHub;
  readonly self: () => { readonly name: string; readonly http: string };
  readonly swim: () => Swim | undefined;
  readonly raft: () => RaftHost | undefined;
}

/** The console of a node: its page, and what the page asks about the whole cluster. Returns what ends it. */
export function openConsole(parts: ConsoleParts): () => void {
  const { app, options, clock, hub, self } = parts;
  const peers = (): readonly PeerPlace[] => peersOf(parts);
  const isSealed = options.tls !== undefined;
  const client = peerClient(options.tls?.ca);
  const view = new ClusterView({
    clock,
    ask: client.ask,
    peers,
    self,
    local: (token) => localDocuments(app, { clock, token }),
    isSealed,
  });
  const listen = peerListener(options.tls?.ca);
  const events = new ClusterEvents({ clock, config: options.config, hub, self, peers, listen, isSealed });
  clusterRoutes(app, view, clock);
  clusterEventRoutes(app, events, options.config.eventClientsMax);
  if (options.given.console !== undefined) pageRoutes(app, new PageFiles(options.given.console));
  return () => {
    events.close();
    client.close();
  };
}

/** Other nodes that this one knows of, through swim or, without it, through raft. */
function peersOf({ swim: swimOf, raft, self }: ConsoleParts): readonly PeerPlace[] {
  const swim = swimOf();
  if (swim !== undefined)
    return swim
      .members()
      .filter(({ id }) => id !== swim.self.id)
      .map(placeOfMember);
  const groups = raft()?.groups.filter(({ serving }) => serving) ?? [];
  const servers = groups.flatMap((group) => Object.entries(group.raft.status().configuration.addresses));
  return [...new Map(servers)].flatMap(([id, address]) =>
    id === self().name ? [] : (placeOfServer(id, address) ?? []),
  );
}

/** Tells the others where HTTP is, when somebody has put it elsewhere than at its usual place. */
export function announceHttp({
  swim,
  port,
  logger,
}: {
  readonly swim: Swim;
  readonly port: number;
  readonly logger: Logger;
}): void {
  const tag = httpTag(swim.self.address, port);
  if (tag === undefined) return;
  const { tags } = swim.self;
  try {
    swim.setTags({ ...tags, ports: tags['ports'] === undefined ? tag : `${tags['ports']},${tag}` });
  } catch (cause) {
    // The tags of a member are short; a console that looks elsewhere then finds this node in no other way.
    logger.log('warn', 'node.http-unannounced', { message: cause instanceof Error ? cause.message : String(cause) });
  }
}
