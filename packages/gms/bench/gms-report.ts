// The figures as tables, and what was promised of them.
import type { CorosyncFigures } from './gms-corosync.ts';
import type { FailoverFigures } from './gms-failover.ts';
import { bars, peerFailovers, peerLatencies, peersOf } from './gms-peers.ts';
import type { CellFigures } from './gms-throughput.ts';

export interface Figures {
  readonly throughput: readonly CellFigures[];
  readonly latency: readonly CellFigures[];
  readonly failover: readonly FailoverFigures[];
  readonly corosync: readonly CorosyncFigures[];
}

export interface Verdict {
  readonly what: string;
  readonly measured: string;
  readonly wanted: string;
  readonly kept: boolean;
}

export interface Judgement {
  /** One that is not kept is a failure. */
  readonly promises: readonly Verdict[];
  readonly targets: readonly Verdict[];
}

/** Holds the figures against what is promised and aimed at; what was not measured is left out. */
export function judge(figures: Figures): Judgement {
  const { throughput, latency, failover } = figures;
  const cell = (payloadBytes: number, frameBytes: number, delivery: 'agreed' | 'safe'): CellFigures | undefined =>
    throughput.find(
      (one) =>
        one.members === bars.members &&
        one.senders === 'all' &&
        one.payloadBytes === payloadBytes &&
        one.frameBytes === frameBytes &&
        one.delivery === delivery,
    );
  const per = (bytes: string, of: CellFigures | undefined, bar: number): readonly Verdict[] =>
    of === undefined ? [] : [least(`${bytes}, ${of.frameBytes} B frames: multicasts per CPU-s`, of.perCpuSecond, bar)];
  const single = latency.find(
    (one) => one.members === bars.members && one.payloadBytes === 100 && one.delivery === 'agreed',
  );
  const byNode = failover.filter(({ detector }) => detector === 'node');
  const gap = (of: readonly FailoverFigures[], bar: number): readonly Verdict[] =>
    of.map(({ detector, p99Ms }) => most(`leader killed, ${detectorText(detector)}: p99`, p99Ms, bar, 'ms'));
  const faults = [...throughput, ...latency, ...failover].flatMap((one) => one.faults);
  return {
    promises: [
      {
        what: 'the same row everywhere; own messages once and in order',
        measured: faults.length === 0 ? 'always' : faults.slice(0, 3).join('; '),
        wanted: 'always',
        kept: faults.length === 0,
      },
      ...per('100 B', cell(100, 1_400, 'agreed'), bars.smallPerCpuSecond.promised),
      ...per('1 KB', cell(1_000, 1_400, 'agreed'), bars.largePerCpuSecond.promised),
      ...[100, 1_000].flatMap((bytes) => safeShare(bytes, cell(bytes, 1_400, 'agreed'), cell(bytes, 1_400, 'safe'))),
      ...gap(byNode, bars.failoverP99Ms.promised),
    ],
    targets: [
      ...per('100 B', cell(100, 1_400, 'agreed'), bars.smallPerCpuSecond.aimed),
      ...per('1 KB', cell(1_000, 8_900, 'agreed'), bars.largePerCpuSecond.aimed),
      ...(single === undefined
        ? []
        : [
            most('100 B, one under way: p50', single.p50Us, bars.latencyUs.p50, 'µs'),
            most('100 B, one under way: p99', single.p99Us, bars.latencyUs.p99, 'µs'),
          ]),
      ...gap(byNode, bars.failoverP99Ms.aimed),
      ...gap(
        failover.filter(({ detector }) => detector === 'heartbeat'),
        bars.failoverP99Ms.promised,
      ),
    ],
  };
}

function safeShare(bytes: number, agreed: CellFigures | undefined, safe: CellFigures | undefined): readonly Verdict[] {
  if (agreed === undefined || safe === undefined) return [];
  const share = Math.round((safe.perCpuSecond / agreed.perCpuSecond) * 100);
  const wanted = bars.safeShare * 100;
  return [
    {
      what: `${bytes === 100 ? '100 B' : '1 KB'}: safe, of agreed, per CPU-s`,
      measured: `${share} %`,
      wanted: `≥ ${wanted} %`,
      kept: share >= wanted,
    },
  ];
}

function least(what: string, value: number, bar: number): Verdict {
  return { what, measured: grouped(value), wanted: `≥ ${grouped(bar)}`, kept: value >= bar };
}

function most(what: string, value: number, bar: number, unit: string): Verdict {
  return { what, measured: `${grouped(value)} ${unit}`, wanted: `≤ ${grouped(bar)} ${unit}`, kept: value <= bar };
}

/** All tables, with the peers' figures beside ours. */
export function reportText(figures: Figures, judgement: Judgement): string {
  const parts = [
    throughputText(figures.throughput, figures.corosync),
    latencyText(figures.latency, figures.corosync),
    failoverText(figures.failover),
    verdictsText('PROMISED', 'BROKEN', judgement.promises),
    verdictsText('AIMED AT', 'missed', judgement.targets),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function throughputText(cells: readonly CellFigures[], corosync: readonly CorosyncFigures[]): string {
  const here = corosync.filter(({ window }) => window > 1);
  const titles = ['N', 'BYTES', 'FRAME', 'LEVEL', 'SEND', '/S', '/CPU-S', 'CORES', 'P50', 'P99', 'FAIR', 'LOAD'];
  const peers = ['JGROUPS /CPU-S', 'ERLANG', 'COROSYNC', ...(here.length > 0 ? ['COROSYNC HERE'] : []), 'RATIO'];
  const rows = cells.map((cell) => {
    const known = peersOf(cell);
    const of = (name: string): number | undefined =>
      known.find((peer) => peer.name === name)?.perCpuSecond ?? undefined;
    const measured = peersHere(cell, here);
    const best = Math.max(0, ...known.map(({ perCpuSecond }) => perCpuSecond ?? 0), measured ?? 0);
    const { members, payloadBytes, frameBytes, delivery, senders, cores, fairness, load } = cell;
    return [
      ...[members, payloadBytes, frameBytes, delivery, senders, grouped(cell.perSecond), grouped(cell.perCpuSecond)],
      ...[cores.toFixed(2), microsText(cell.p50Us), microsText(cell.p99Us), fairness.toFixed(2), load.toFixed(1)],
      ...[of('JGroups'), of('Erlang'), of('corosync')].map((value) => (value === undefined ? '' : grouped(value))),
      ...(here.length > 0 ? [measured === undefined ? '' : grouped(measured)] : []),
      best === 0 ? '' : (cell.perCpuSecond / best).toFixed(2),
    ].map(String);
  });
  return rows.length === 0
    ? ''
    : `${table([...titles, ...peers], rows)}\nRATIO: ours to the best of the others, per CPU-second. P50, P99: own message at a sender that does not lead.\nFAIR: the slowest sender’s share of what would be even.`;
}

function peersHere(cell: CellFigures, here: readonly CorosyncFigures[]): number | undefined {
  if (cell.delivery !== 'agreed') return undefined;
  return here.find(
    ({ members, payloadBytes, senders }) =>
      members === cell.members && payloadBytes === cell.payloadBytes && senders === cell.senders,
  )?.perCpuSecond;
}

function latencyText(cells: readonly CellFigures[], corosync: readonly CorosyncFigures[]): string {
  if (cells.length === 0) return '';
  const rows = [
    ...cells.map(({ members, payloadBytes, delivery, p50Us, p99Us, perSecond }) => [
      ...[`grp ${delivery}`, String(members), String(payloadBytes)],
      ...[microsText(p50Us), microsText(p99Us), grouped(perSecond)],
    ]),
    ...corosync
      .filter(({ window }) => window === 1)
      .map(({ members, payloadBytes, p50Us, p99Us, perSecond }) => [
        ...['corosync, here', String(members), String(payloadBytes)],
        ...[microsText(p50Us), microsText(p99Us), grouped(perSecond)],
      ]),
    ...peerLatencies.map(({ name, p50Us, p99Us }) => [name, '4', '100', microsText(p50Us), microsText(p99Us), '']),
  ];
  return table(['ONE UNDER WAY', 'N', 'BYTES', 'P50', 'P99', '/S'], rows);
}

function failoverText(failovers: readonly FailoverFigures[]): string {
  if (failovers.length === 0) return '';
  const rows = [
    ...failovers.map((one) => [
      `grp, ${detectorText(one.detector)}`,
      ...[one.gapsMs.length, one.p50Ms, one.p99Ms, one.maxMs, one.quietMaxMs].map(grouped),
    ]),
    ...peerFailovers.map(({ name, fromMs, toMs }) => [name, '', grouped(fromMs), '', grouped(toMs), '']),
  ];
  return table(['LEADER KILLED, LONGEST GAP', 'KILLS', 'P50 MS', 'P99', 'MAX', 'WITHOUT A KILL'], rows);
}

function verdictsText(title: string, failed: string, verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return '';
  const rows = verdicts.map(({ what, measured, wanted, kept }) => [what, measured, wanted, kept ? 'kept' : failed]);
  return table([title, 'MEASURED', 'WANTED', ''], rows);
}

function detectorText(detector: FailoverFigures['detector']): string {
  return detector === 'node' ? 'swim' : 'heartbeats';
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function microsText(micros: number): string {
  return micros < 1_000 ? `${micros} µs` : `${(micros / 1_000).toFixed(1)} ms`;
}

/** The first column is words, as are others without digits; figures stand on the right. */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        /^\D*$/.test(rows[0]?.[index] ?? '') || index === 0
          ? cell.padEnd(widths[index] ?? 0)
          : cell.padStart(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(titles), ...rows.map((row) => line(row))].join('\n');
}
