import { invariant, type NodeId } from '@grp/core';
import type { Swim } from '@grp/swim';
import type { Network } from '@grp/transport-udp';
import type { Registry } from 'prom-client';
import { announceHttp, openConsole } from './console/open-console.ts';
import { openDataDir, type DataDir } from './data-dir.ts';
import { EventHub, type NodeEventBody } from './http/event-hub.ts';
import { eventRoutes } from './http/event-routes.ts';
import { listen, type Listening } from './http/listen.ts';
import { nodeRoutes } from './http/node-routes.ts';
import { isLoopback } from './http/security.ts';
import { createServer, type HttpServer } from './http/server.ts';
import { Lifecycle } from './lifecycle.ts';
import { createMetrics } from './metrics/node-metrics.ts';
import { defaultName, openNetworks, type Networks } from './networks.ts';
import type { Node } from './node.ts';
import { resolveOptions, type NodeOptions, type ResolvedOptions } from './options.ts';
import type { NodeParts } from './ports.ts';
import type { RaftHost } from './raft/raft-host.ts';
import { tapLogger } from './record/log-tap.ts';
import { Recorder } from './record/recorder.ts';
import { noteEvent } from './record/taps.ts';
import type { RoleContext, RoleName, RoleTable, RunningRole } from './role.ts';
import { roles as allRoles } from './roles.ts';
import { packageVersion, type NodeStatus } from './status.ts';

/** What has been opened so far; closed in reverse. */
type Opened = { readonly what: string; readonly run: () => Promise<void> }[];

const httpGraceMs = 1_000;

/**
 * Makes a node of its parts: `createNode` with everything it touches handed in. Opens the folder, the sockets and HTTP;
 * when something fails, all that was opened before is closed.
 */
export async function assembleNode(given: NodeOptions, parts: NodeParts, table: RoleTable = allRoles): Promise<Node> {
  const options = await resolveOptions(given, parts, table);
  const opened: Opened = [];
  try {
    const dataDir = await openFolder(given.dataDir, opened);
    const networks = await openNetworks(options, parts, table);
    opened.push({ what: 'network', run: () => networks.close() });
    const recorder = await openRecorder(options, parts, networks, opened);
    const logger = recorder === undefined ? options.logger : tapLogger(options.logger, recorder);
    const node = new Assembly({ options: { ...options, logger }, parts, networks, opened, recorder });
    await node.build(table, dataDir);
    return await node.open();
  } catch (cause) {
    for (const { run } of opened.toReversed()) await run().catch(() => {});
    throw cause;
  }
}

interface AssemblyParts {
  readonly options: ResolvedOptions;
  readonly parts: NodeParts;
  readonly networks: Networks;
  readonly opened: Opened;
  readonly recorder: Recorder | undefined;
}

/** A node while it is put together, and afterwards what its pieces know of each other. */
class Assembly {
  readonly #given: AssemblyParts;
  readonly #name: string;
  readonly #version = packageVersion();
  readonly #startedAt: number;
  readonly #startedMs: number;
  readonly #hub: EventHub;
  readonly #server: HttpServer;
  readonly #registry: Registry;
  readonly #lifecycle: Lifecycle;
  readonly #running: RunningRole[] = [];
  readonly #ownPorts: Partial<Record<RoleName, number>> = {};
  #swim: Swim | undefined;
  #raft: RaftHost | undefined;
  /** Loaded for the roles that keep logs. */
  #RaftHost: typeof RaftHost | undefined;
  #listening: Listening = { port: 0, url: '' };

  constructor(given: AssemblyParts) {
    const { options, parts, networks, opened } = given;
    const { clock } = parts;
    const { config, logger } = options;
    this.#given = given;
    this.#name = options.given.name ?? defaultName(networks);
    this.#startedAt = clock.wallMs();
    this.#startedMs = clock.now();
    this.#hub = new EventHub(clock, config);
    this.#server = createServer({ ...options, host: options.http.host, clock });
    this.#lifecycle = new Lifecycle({
      clock,
      logger,
      leaveTimeoutMs: config.leaveTimeoutMs,
      onStopping: () => this.#publish({ noun: 'node', type: 'stopping' }),
      lifetime: lifetimeOf(this.#running, opened, () => this.#announce()),
    });
    this.#registry = createMetrics({
      name: this.#name,
      version: this.#version,
      startedAt: this.#startedAt,
      ready: () => this.#lifecycle.isReady,
      eventClients: () => this.#hub.clientCount,
      eventsDropped: () => this.#hub.droppedCount,
    });
  }

  /** Registers the node's routes, then builds the roles in the order of the table. */
  async build(table: RoleTable, dataDir: DataDir | undefined): Promise<void> {
    const { options, networks } = this.#given;
    const { app } = this.#server;
    nodeRoutes(app, {
      status: () => this.#status(),
      stop: (how) => void this.#lifecycle.stop(how),
      faults: networks.faults,
      registry: this.#registry,
    });
    eventRoutes(app, this.#hub, options.config.eventClientsMax);
    for (const [name, network] of networks.byRole) {
      if (table[name].peers === true) this.#RaftHost ??= (await import('./raft/raft-host.ts')).RaftHost;
      const role = await table[name].build?.(this.#context(network, dataDir));
      if (role === undefined) continue;
      this.#running.push(role);
      this.#swim ??= role.swim;
      if (role.port !== undefined) this.#ownPorts[name] = role.port;
      role.routes?.(app);
      role.metrics?.(this.#registry);
    }
    const closeConsole = openConsole({
      app,
      options,
      clock: this.#given.parts.clock,
      hub: this.#hub,
      self: () => ({ name: this.#name, http: this.#listening.url }),
      swim: () => this.#swim,
      raft: () => this.#raft,
    });
    this.#given.opened.push({ what: 'console', run: async () => closeConsole() });
  }

  /** Opens HTTP; from then on the node can be asked. */
  async open(): Promise<Node> {
    const { options, opened } = this.#given;
    opened.push({ what: 'http', run: () => this.#closeHttp() });
    this.#listening = await listen(this.#server.app, options.http, options.tls === undefined ? 'http' : 'https');
    this.#logListening();
    const lifecycle = this.#lifecycle;
    return {
      name: this.#name,
      swim: this.#swim,
      gms: this.#running.find(({ gms }) => gms !== undefined)?.gms,
      http: this.#listening.url,
      status: () => this.#status(),
      start: () => lifecycle.start(),
      ready: () => lifecycle.ready(),
      stop: (how) => lifecycle.stop(how),
      onStopped: (listener) => lifecycle.onStopped(listener),
    };
  }

  get #id(): NodeId {
    return this.#swim?.self.id ?? (`${this.#name}#${this.#startedAt}` as NodeId);
  }

  #context(network: Network, dataDir: DataDir | undefined): RoleContext {
    const { options, parts, networks } = this.#given;
    const context = {
      name: this.#name,
      id: this.#id,
      options,
      network,
      ports: networks.ports,
      parts,
      clock: parts.clock,
      random: parts.random,
      logger: options.logger,
      dataDir,
      swim: this.#swim,
      recorder: this.#given.recorder,
      publish: (event: NodeEventBody) => this.#publish(event),
      fail: (cause: unknown) => this.#lifecycle.fail(cause),
      noteReady: () => this.#lifecycle.noteReady(),
    };
    // Whoever asks first: the port of raft is the same for all that keep logs.
    const raft = (): RaftHost => {
      const Host = this.#RaftHost;
      invariant(Host !== undefined, 'a role that keeps a log says so in the table');
      return (this.#raft ??= new Host({ ...context, network: networks.raft ?? network }));
    };
    return { ...context, raft };
  }

  #publish(event: NodeEventBody): void {
    const { recorder } = this.#given;
    if (recorder !== undefined) noteEvent(recorder, event);
    this.#hub.publish(event);
  }

  #logListening(): void {
    const { logger, http, tls } = this.#given.options;
    const { url } = this.#listening;
    logger.log('info', 'node.listening', { http: url, ...this.#given.networks.ports });
    if (tls === undefined && !isLoopback(http.host)) {
      logger.log('warn', 'node.http-plain', { hint: 'The token crosses the network unencrypted: use TLS.' });
    }
  }

  #announce(): void {
    const { logger, given } = this.#given.options;
    if (this.#swim === undefined || given.http === undefined) return;
    announceHttp({ swim: this.#swim, port: this.#listening.port, logger });
  }

  #status(): NodeStatus {
    const { options, parts, networks } = this.#given;
    return {
      name: this.#name,
      id: this.#id,
      state: this.#lifecycle.state,
      roles: options.roles,
      pid: process.pid,
      version: this.#version,
      startedAt: new Date(this.#startedAt).toISOString(),
      uptimeMs: Math.round(parts.clock.now() - this.#startedMs),
      http: this.#listening.url,
      ports: { ...networks.ports, ...this.#ownPorts, http: this.#listening.port },
      ready: this.#lifecycle.isReady,
      faults: networks.faults.get(),
    };
  }

  async #closeHttp(): Promise<void> {
    this.#hub.close();
    await this.#server.close(httpGraceMs);
  }
}

function lifetimeOf(running: readonly RunningRole[], opened: Opened, onStarted: () => void) {
  return {
    async start(): Promise<void> {
      for (const role of running) await role.start();
      onStarted();
    },
    ready: () => running.every((role) => role.ready()),
    async leave(how: Parameters<RunningRole['stop']>[0]): Promise<void> {
      for (const role of running.toReversed()) await role.stop(how);
    },
    get closing() {
      return opened.toReversed();
    },
  };
}

async function openRecorder(
  { given, config, logger }: ResolvedOptions,
  { clock }: NodeParts,
  networks: Networks,
  opened: Opened,
): Promise<Recorder | undefined> {
  if (given.record === undefined) return undefined;
  const name = given.name ?? defaultName(networks);
  const recorder = await Recorder.open({
    file: given.record,
    name,
    id: `${name}#${clock.wallMs()}`,
    addresses: Object.fromEntries([...networks.byRole].map(([role, { self }]) => [role, self])),
    clock,
    logger,
    bytesMax: config.recordBytesMax,
    bufferBytesMax: config.recordBufferBytesMax,
  });
  opened.push({ what: 'recording', run: () => recorder.close() });
  return recorder;
}

async function openFolder(path: string | undefined, opened: Opened): Promise<DataDir | undefined> {
  if (path === undefined) return undefined;
  const dataDir = await openDataDir(path);
  opened.push({ what: 'data folder', run: () => dataDir.release() });
  return dataDir;
}
