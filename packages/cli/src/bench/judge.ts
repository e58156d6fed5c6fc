import { timeText } from '../output/units.ts';
import { limits, type DetectionRun } from './detection.ts';
import type { SizeResult } from './measure.ts';
import { summarize } from './statistics.ts';

export interface Verdict {
  readonly what: string;
  readonly measured: string;
  readonly wanted: string;
  readonly kept: boolean;
}

export interface Judgement {
  /** What grp promises; one that is not kept is a failure. */
  readonly promises: readonly Verdict[];
  /** What we want beyond that. */
  readonly targets: readonly Verdict[];
}

/** UDP with IP headers per member and second, up to ten members. */
const udpBytesMax = 170;
/** A shorter quiet time says little about bytes per second. */
const steadySecondsMin = 30;
const targetFirstP50Ms = 1_500;
const targetLastMaxMs = 5_000;

/** Holds the figures of our nodes against what is promised of them. */
export function judge(sizes: readonly SizeResult[]): Judgement {
  return { promises: sizes.flatMap(promisesOf), targets: sizes.flatMap(targetsOf) };
}

function promisesOf(size: SizeResult): readonly Verdict[] {
  const n = `${size.members} members`;
  const rounds: readonly (readonly [string, readonly DetectionRun[]])[] = [
    [`${n}, one killed`, size.kills],
    [`${n}, three killed at once`, size.triples],
  ];
  const udp = size.steady?.wire?.udp ?? size.steady?.own;
  const seconds = size.steady?.seconds ?? 0;
  return [
    ...rounds.flatMap(([what, runs]) => [
      ...within(`${what}: first list, worst`, runs, ({ firstMs }) => firstMs, limits.firstMs),
      ...within(`${what}: last list, worst`, runs, ({ lastMs }) => lastMs, limits.lastMs),
    ]),
    none(`${n}: running members taken for gone`, size.wronged),
    none(`${n}: lists that did not become whole`, size.notWhole),
    ...(size.members <= 10 && seconds >= steadySecondsMin && udp !== undefined && udp !== null
      ? [atMost(`${n}: UDP sent per member and second`, udp.ipBytes, udpBytesMax)]
      : []),
  ];
}

function targetsOf({ members, kills }: SizeResult): readonly Verdict[] {
  const p50 = summarize(kills.map(({ firstMs }) => firstMs))?.p50;
  const last = (run: DetectionRun): number | null => run.lastMs;
  return [
    ...(p50 === undefined
      ? []
      : [
          {
            what: `${members} members, one killed: first list, p50`,
            measured: Number.isFinite(p50) ? timeText(p50) : 'never',
            wanted: `≤ ${targetFirstP50Ms / 1_000} s`,
            kept: p50 <= targetFirstP50Ms,
          },
        ]),
    ...within(`${members} members, one killed: last list, worst`, kills, last, targetLastMaxMs),
  ];
}

function within(
  what: string,
  runs: readonly DetectionRun[],
  pick: (run: DetectionRun) => number | null,
  limitMs: number,
): readonly Verdict[] {
  if (runs.length === 0) return [];
  const times = runs.map(pick);
  const missed = times.filter((time) => time === null).length;
  const worst = summarize(times)?.max ?? 0;
  const measured = missed > 0 ? `never in ${missed} of ${times.length}` : timeText(worst);
  return [{ what, measured, wanted: `≤ ${limitMs / 1_000} s`, kept: worst <= limitMs }];
}

function none(what: string, found: readonly string[]): Verdict {
  return {
    what,
    measured: found.length === 0 ? 'none' : found.slice(0, 5).join('; '),
    wanted: 'none',
    kept: found.length === 0,
  };
}

function atMost(what: string, bytes: number, limit: number): Verdict {
  return { what, measured: `${bytes} B`, wanted: `≤ ${limit} B`, kept: bytes <= limit };
}
