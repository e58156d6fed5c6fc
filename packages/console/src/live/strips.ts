import { number } from '../read.ts';
import type { ClusterModel } from './model.ts';

/** One figure over time, as several lines. */
export interface Strip {
  readonly id: string;
  readonly title: string;
  readonly unit: 'per second' | 'bytes per second' | 'files' | 'log index';
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[];
  /** Each as long as `times`; null: nothing was known. */
  readonly lines: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}

interface Reading {
  readonly strip: string;
  readonly line: string;
  /** Whose counter it is; a gauge has no owner. */
  readonly node: string | undefined;
  readonly value: number;
}

const samplesMax = 300;
const kindsMax = 8;

const titles: Readonly<Record<string, Pick<Strip, 'title' | 'unit'>>> = {
  deliveries: { title: 'Deliveries of the group', unit: 'per second' },
  packets: { title: 'Messages of the membership, by type', unit: 'per second' },
  bytes: { title: 'Traffic of the membership, by type', unit: 'bytes per second' },
  files: { title: 'Files with too few copies', unit: 'files' },
};
const order = Object.keys(titles);

/** Takes figures of a cluster down, look by look, for five minutes. */
export class StripMeter {
  readonly #times: number[] = [];
  /** For each look: strip → line → value. */
  readonly #samples: ReadonlyMap<string, ReadonlyMap<string, number>>[] = [];
  #last: { readonly at: number; readonly counters: ReadonlyMap<string, number> } | undefined;

  /** One look at all nodes. */
  observe(at: number, model: ClusterModel): void {
    const last = this.#last;
    // Rates over less than a moment would only be noise.
    if (last !== undefined && at - last.at < 200) return;
    const readings = readingsOf(model);
    const counters = new Map(readings.filter(({ node }) => node !== undefined).map((one) => [keyOf(one), one.value]));
    this.#last = { at, counters };
    if (last === undefined) return;
    const sample = new Map<string, Map<string, number>>();
    for (const reading of readings) {
      const value = reading.node === undefined ? reading.value : rateOf(reading, last, at);
      if (value === undefined) continue;
      const lines = sample.get(reading.strip) ?? new Map<string, number>();
      sample.set(reading.strip, lines.set(reading.line, (lines.get(reading.line) ?? 0) + value));
    }
    this.#times.push(at / 1_000);
    this.#samples.push(sample);
    if (this.#times.length <= samplesMax) return;
    this.#times.shift();
    this.#samples.shift();
  }

  /** What has been seen, in the order in which it is shown; a figure that no node has is left out. */
  strips(): readonly Strip[] {
    const ids = new Set(this.#samples.flatMap((sample) => [...sample.keys()]));
    const sorted = [...ids].toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b));
    return sorted.map((id) => ({
      id,
      ...(titles[id] ?? { title: `Log of ${id.slice(logPrefix.length)}: committed entries`, unit: 'log index' }),
      times: [...this.#times],
      lines: this.#lines(id),
    }));
  }

  /** What all nodes send now, in bytes per second. */
  get total(): number {
    return [...(this.#samples.at(-1)?.get('bytes')?.values() ?? [])].reduce((sum, rate) => sum + rate, 0);
  }

  #lines(id: string): Strip['lines'] {
    const sums = new Map<string, number>();
    for (const sample of this.#samples)
      for (const [line, value] of sample.get(id) ?? []) sums.set(line, (sums.get(line) ?? 0) + value);
    const isByType = id === 'packets' || id === 'bytes';
    const names = [...sums].toSorted(([a, x], [b, y]) =>
      isByType ? y - x || a.localeCompare(b) : a.localeCompare(b, 'en', { numeric: true }),
    );
    const shown = names.slice(0, isByType ? kindsMax : names.length).map(([name]) => name);
    const rest = names.slice(shown.length).map(([name]) => name);
    const lines = shown.map((name) => ({ name, values: this.#samples.map((one) => one.get(id)?.get(name) ?? null) }));
    if (rest.length === 0) return lines;
    const others = this.#samples.map((one) => rest.reduce((sum, name) => sum + (one.get(id)?.get(name) ?? 0), 0));
    return [...lines, { name: 'others', values: others }];
  }
}

const logPrefix = 'log ';

function rank(id: string): number {
  const index = order.indexOf(id);
  return index === -1 ? 2.5 : index;
}

function keyOf({ strip, line, node = '' }: Reading): string {
  return `${strip}\t${line}\t${node}`;
}

/** Undefined: there is nothing to compare with, or the counter has begun anew with a new life. */
function rateOf(
  reading: Reading,
  { at: before, counters }: { readonly at: number; readonly counters: ReadonlyMap<string, number> },
  at: number,
): number | undefined {
  const value = counters.get(keyOf(reading));
  // A member that joins takes over the others' state: its first number is no rate.
  const isNew = value === undefined || (reading.strip === 'deliveries' && value === 0 && reading.value > 0);
  return isNew || reading.value < value ? undefined : ((reading.value - value) * 1_000) / (at - before);
}

function readingsOf({ rows, raft, repair }: ClusterModel): readonly Reading[] {
  const readings: Reading[] = [];
  for (const { name: node, group, traffic } of rows) {
    if (group !== undefined) readings.push({ strip: 'deliveries', line: node, node, value: group.sequence });
    for (const { type: line, packetsOut, bytesOut } of traffic) {
      readings.push({ strip: 'packets', line, node, value: packetsOut });
      readings.push({ strip: 'bytes', line, node, value: bytesOut });
    }
  }
  for (const { name, servers } of raft)
    for (const { node: line, commit: value } of servers)
      readings.push({ strip: `${logPrefix}${name}`, line, node: undefined, value });
  if (repair !== undefined)
    for (const [field, line] of [
      ['underReplicated', 'too few copies'],
      ['copying', 'being copied'],
      ['lost', 'unreadable'],
    ] as const)
      readings.push({ strip: 'files', line, node: undefined, value: number(repair[field]) });
  return readings;
}
