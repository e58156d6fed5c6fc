import { readdir } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { Registry } from 'prom-client';
import { counter, gauge } from './read-metric.ts';

export interface NodeMetricsOptions {
  readonly name: string;
  readonly version: string;
  /** Wall-clock ms. */
  readonly startedAt: number;
  readonly ready: () => boolean;
  readonly eventClients: () => number;
  readonly eventsDropped: () => number;
}

/**
 * A registry of one node, with the metrics of the node and of its process. Names of process metrics are those that
 * Prometheus clients share, so that existing dashboards work. Nothing runs between scrapes.
 */
export function createMetrics(options: NodeMetricsOptions): Registry {
  const registry = new Registry();
  const registers = [registry];
  const { name, version, startedAt, ready, eventClients, eventsDropped } = options;
  gauge(
    {
      name: 'grp_node_info',
      help: 'Always 1; name and version of the node.',
      labelNames: ['name', 'version'],
      registers,
    },
    () => [[{ name, version }, 1]],
  );
  gauge({ name: 'grp_node_ready', help: '1 when the node serves, as /readyz says.', registers }, () => [
    [{}, ready() ? 1 : 0],
  ]);
  gauge(
    { name: 'grp_node_start_time_seconds', help: 'Unix time at which this life of the node began.', registers },
    () => [[{}, startedAt / 1_000]],
  );
  gauge({ name: 'grp_node_event_streams', help: 'Open event streams.', registers }, () => [[{}, eventClients()]]);
  counter(
    {
      name: 'grp_node_events_dropped_total',
      help: 'Events that readers of event streams were too slow for.',
      registers,
    },
    () => [[{}, eventsDropped()]],
  );
  processMetrics(registers);
  return registry;
}

function processMetrics(registers: Registry[]): void {
  const seconds = (micros: number): number => micros / 1_000_000;
  counter({ name: 'process_cpu_user_seconds_total', help: 'CPU time spent in user code.', registers }, () => [
    [{}, seconds(process.cpuUsage().user)],
  ]);
  counter({ name: 'process_cpu_system_seconds_total', help: 'CPU time spent in the kernel.', registers }, () => [
    [{}, seconds(process.cpuUsage().system)],
  ]);
  counter({ name: 'process_cpu_seconds_total', help: 'CPU time, user and system.', registers }, () => {
    const { user, system } = process.cpuUsage();
    return [[{}, seconds(user + system)]];
  });
  gauge({ name: 'process_start_time_seconds', help: 'Unix time at which the process began.', registers }, () => [
    [{}, performance.timeOrigin / 1_000],
  ]);
  gauge({ name: 'process_resident_memory_bytes', help: 'Resident memory.', registers }, () => [
    [{}, process.memoryUsage.rss()],
  ]);
  gauge({ name: 'process_open_fds', help: 'Open file descriptors (Linux).', registers }, async () => {
    const open = await readdir('/proc/self/fd').catch(() => undefined);
    return open === undefined ? [] : [[{}, open.length]];
  });
  gauge({ name: 'nodejs_heap_size_used_bytes', help: 'JavaScript heap in use.', registers }, () => [
    [{}, process.memoryUsage().heapUsed],
  ]);
  gauge({ name: 'nodejs_heap_size_total_bytes', help: 'JavaScript heap reserved.', registers }, () => [
    [{}, process.memoryUsage().heapTotal],
  ]);
  gauge({ name: 'nodejs_external_memory_bytes', help: 'Memory outside the JavaScript heap.', registers }, () => [
    [{}, process.memoryUsage().external],
  ]);
  counter(
    {
      name: 'nodejs_eventloop_active_seconds_total',
      help: 'Time the event loop was busy; its rate is the utilisation.',
      registers,
    },
    () => [[{}, performance.eventLoopUtilization().active / 1_000]],
  );
  gauge(
    { name: 'nodejs_version_info', help: 'Always 1; the version of Node.js.', labelNames: ['version'], registers },
    () => [[{ version: process.version }, 1]],
  );
}
