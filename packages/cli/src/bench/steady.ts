import { setTimeout as sleep } from 'node:timers/promises';
import { between, Capture, type WireCount } from './capture.ts';
import type { BenchCluster } from './cluster.ts';
import { rounded } from './statistics.ts';
import { usageOf } from './usage.ts';

interface Rate {
  readonly packets: number;
  /** With IP headers. */
  readonly ipBytes: number;
}

/** A cluster in which nothing happens, per member and second. */
export interface SteadyState {
  readonly seconds: number;
  /** As a packet capture saw it; null where none was possible. */
  readonly wire: { readonly udp: Rate; readonly tcp: Rate } | null;
  /** Why there was no capture. */
  readonly wireMissing?: string;
  /** Datagrams as the members themselves count them; null for a system that does not say. */
  readonly own: Rate | null;
  /** Of one core; null where the system does not tell. */
  readonly cpuPercent: number | null;
  /** Resident memory of one process. */
  readonly residentBytes: number | null;
}

/** Watches a quiet cluster. @throws when the run is interrupted */
export async function steadyState(cluster: BenchCluster, durationMs: number): Promise<SteadyState> {
  const capture = await Capture.open(cluster.ports);
  try {
    const cpuBefore = totalOf(cluster, 'cpuMs');
    const ownBefore = await cluster.ownCounts('reset');
    const wireBefore = typeof capture === 'string' ? undefined : await capture.read();
    const began = performance.now();
    await sleep(durationMs, undefined, { signal: cluster.signal });
    const wireAfter = typeof capture === 'string' ? undefined : await capture.read();
    const seconds = (performance.now() - began) / 1_000;
    const ownAfter = await cluster.ownCounts('read');
    const cpuAfter = totalOf(cluster, 'cpuMs');

    const members = cluster.running.length;
    const share = (value: number, digits: number): number => rounded(value / members / seconds, digits);
    const rate = ({ packets, ipBytes }: WireCount['udp']): Rate => ({
      packets: share(packets, 2),
      ipBytes: share(ipBytes, 1),
    });
    const wire = wireBefore && wireAfter ? between(wireBefore, wireAfter) : undefined;
    const own = ownBefore && ownAfter ? difference(ownBefore, ownAfter) : undefined;
    const resident = totalOf(cluster, 'residentBytes');
    return {
      seconds: rounded(seconds, 2),
      wire: wire === undefined ? null : { udp: rate(wire.udp), tcp: rate(wire.tcp) },
      ...(typeof capture === 'string' ? { wireMissing: capture } : {}),
      own: own === undefined ? null : rate(own),
      cpuPercent: cpuBefore === null || cpuAfter === null ? null : share((cpuAfter - cpuBefore) / 10, 3),
      residentBytes: resident === null ? null : Math.round(resident / members),
    };
  } finally {
    if (typeof capture !== 'string') capture.close();
  }
}

function difference(before: readonly WireCount['udp'][], after: readonly WireCount['udp'][]): WireCount['udp'] {
  const sum = (counts: readonly WireCount['udp'][], name: keyof WireCount['udp']): number =>
    counts.reduce((total, count) => total + count[name], 0);
  return {
    packets: sum(after, 'packets') - sum(before, 'packets'),
    ipBytes: sum(after, 'ipBytes') - sum(before, 'ipBytes'),
  };
}

function totalOf(cluster: BenchCluster, name: 'cpuMs' | 'residentBytes'): number | null {
  let total = 0;
  for (const pid of cluster.pids) {
    const usage = usageOf(pid);
    if (usage === undefined) return null;
    total += usage[name];
  }
  return total;
}
