// What other systems did on the same two cores, and what is asked of ours.
import type { Cell } from './gms-throughput.ts';

/** Where the constants below come from. */
export const peersSource =
  'Measured for this project on two shared cores, node 20, loopback, processes of the operating system, all send, 256 of ' +
  'their own messages under way at each, order compared by hash: JGroups 5.6 snapshot (SEQUENCER over UDP with IP ' +
  'multicast; one outstanding: over TCP), a public Erlang gms3 in as many VMs over TCP, corosync 3.1.7 cpg agreed, udpu, ' +
  'mtu 1500.';

export interface PeerFigures {
  readonly name: 'JGroups' | 'Erlang' | 'corosync';
  readonly perSecond: number;
  /** Null: was not measured. */
  readonly perCpuSecond: number | null;
}

interface PeerRow extends PeerFigures {
  readonly members: number;
  readonly payloadBytes: number;
}

// Ranges of a busy machine stand with their middle; corosync's figures for four members take the CPU of three.
const loaded: readonly PeerRow[] = [
  { name: 'JGroups', members: 3, payloadBytes: 100, perSecond: 299_500, perCpuSecond: 154_000 },
  { name: 'JGroups', members: 3, payloadBytes: 1_000, perSecond: 120_000, perCpuSecond: 89_000 },
  { name: 'JGroups', members: 4, payloadBytes: 100, perSecond: 159_000, perCpuSecond: 87_000 },
  { name: 'JGroups', members: 4, payloadBytes: 1_000, perSecond: 104_600, perCpuSecond: 57_000 },
  { name: 'Erlang', members: 3, payloadBytes: 100, perSecond: 270_000, perCpuSecond: null },
  { name: 'Erlang', members: 4, payloadBytes: 100, perSecond: 166_000, perCpuSecond: 139_000 },
  { name: 'Erlang', members: 4, payloadBytes: 1_000, perSecond: 78_000, perCpuSecond: 95_000 },
  { name: 'corosync', members: 3, payloadBytes: 100, perSecond: 65_000, perCpuSecond: 48_000 },
  { name: 'corosync', members: 3, payloadBytes: 1_000, perSecond: 44_000, perCpuSecond: 38_000 },
  { name: 'corosync', members: 4, payloadBytes: 100, perSecond: 64_000, perCpuSecond: 48_000 },
  { name: 'corosync', members: 4, payloadBytes: 1_000, perSecond: 33_000, perCpuSecond: 38_000 },
];

/** One message under way, 100 bytes, four members; µs. */
export const peerLatencies = [
  { name: 'JGroups', p50Us: 74, p99Us: 3_400 },
  { name: 'Erlang', p50Us: 47, p99Us: 147 },
  { name: 'corosync', p50Us: 165, p99Us: 378 },
] as const;

/** The leader killed under load, longest gap at survivors, default time-outs; ms. Erlang's was not measured. */
export const peerFailovers = [
  { name: 'JGroups', fromMs: 1_550, toMs: 3_000 },
  { name: 'corosync', fromMs: 9_500, toMs: 9_500 },
] as const;

/** The peers' figures for such a cell: they all delivered `agreed` to all, with all of them sending. */
export function peersOf(cell: Cell): readonly PeerFigures[] {
  if (cell.senders !== 'all' || cell.window !== 256 || cell.delivery !== 'agreed') return [];
  return loaded.filter(({ members, payloadBytes }) => members === cell.members && payloadBytes === cell.payloadBytes);
}

/** What is promised, and what is aimed at, with four members. */
export const bars = {
  members: 4,
  smallPerCpuSecond: { promised: 180_000, aimed: 300_000 },
  /** Promised in frames of 1,400 bytes, aimed at in frames of 8,900. */
  largePerCpuSecond: { promised: 50_000, aimed: 120_000 },
  safeShare: 0.6,
  latencyUs: { p50: 60, p99: 250 },
  failoverP99Ms: { promised: 500, aimed: 250 },
} as const;
