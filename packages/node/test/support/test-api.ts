import type { Address } from '@grp/core';
import type { Faults, FaultSettings } from '@grp/transport-udp';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { onTestFinished } from 'vitest';
import { nodeConfig, type NodeConfig } from '../../src/config.ts';
import { FaultSet } from '../../src/faults.ts';
import { EventHub } from '../../src/http/event-hub.ts';
import { eventRoutes } from '../../src/http/event-routes.ts';
import { nodeRoutes } from '../../src/http/node-routes.ts';
import { createServer } from '../../src/http/server.ts';
import { swimRoutes } from '../../src/http/swim-routes.ts';
import { createMetrics } from '../../src/metrics/node-metrics.ts';
import { swimMetrics } from '../../src/metrics/swim-metrics.ts';
import type { NodeStatus } from '../../src/status.ts';
import { FakeSwim } from './fake-swim.ts';
import { ManualClock } from './manual-clock.ts';
import { recordingLogger } from './recording-logger.ts';

export interface TestApiOptions {
  readonly host?: string;
  readonly token?: string;
  readonly config?: Partial<NodeConfig>;
}

/** Faults of a network that is not there. */
export class FakeFaults implements Faults {
  settings: FaultSettings = { loss: 0, lossIncoming: 0, duplicate: 0, delayMs: 0, delayJitterMs: 0 };
  blocked: Address[] = [];
  healCount = 0;

  get(): FaultSettings {
    return this.settings;
  }

  set(changes: Partial<FaultSettings>): void {
    this.settings = { ...this.settings, ...changes };
  }

  block(addresses: readonly Address[]): void {
    this.blocked.push(...addresses);
  }

  unblock(): void {
    this.healCount++;
    this.blocked = [];
  }
}

/** The whole HTTP API over a made-up swim, asked without sockets. */
export function testApi({ host = '127.0.0.1', token, config: given = {} }: TestApiOptions = {}) {
  const config = nodeConfig.resolve(given);
  const clock = new ManualClock();
  const logger = recordingLogger();
  const swim = new FakeSwim();
  const faults = new FakeFaults();
  const hub = new EventHub(clock, config);
  const state = { ready: true, joined: 0, stops: [] as unknown[] };
  const server = createServer({ host, token, tls: undefined, config, clock, logger });
  const metrics = swimMetrics(swim);
  const registry = createMetrics({
    name: 'ann',
    version: '1.2.3',
    startedAt: 5_000,
    ready: () => state.ready,
    eventClients: () => hub.clientCount,
    eventsDropped: () => hub.droppedCount,
  });
  metrics.register(registry);
  const faultSet = new FaultSet([faults]);
  const status = (): NodeStatus => ({
    name: 'ann',
    id: swim.self.id,
    state: state.ready ? 'running' : 'starting',
    roles: ['swim'],
    pid: 42,
    version: '1.2.3',
    startedAt: '2026-01-02T03:04:05.000Z',
    uptimeMs: 10,
    http: 'http://127.0.0.1:7953',
    ports: { swim: 7_946, http: 7_953 },
    ready: state.ready,
    faults: faultSet.get(),
  });
  nodeRoutes(server.app, { status, stop: (how) => void state.stops.push(how), faults: faultSet, registry });
  eventRoutes(server.app, hub, config.eventClientsMax);
  swimRoutes(server.app, { swim, config, onJoined: () => state.joined++ });
  onTestFinished(async () => {
    hub.close();
    await server.app.close();
  });

  const ask = (options: InjectOptions): Promise<LightMyRequestResponse> =>
    server.app.inject({ ...options, headers: { host: '127.0.0.1:7953', ...options.headers } });
  return {
    server,
    swim,
    faults,
    hub,
    clock,
    logger,
    metrics,
    state,
    ask,
    get: (url: string, headers: Record<string, string> = {}) => ask({ method: 'GET', url, headers }),
    post: (url: string, body: object) => ask({ method: 'POST', url, payload: body }),
  };
}
