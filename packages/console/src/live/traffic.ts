import type { NodeRow } from './model.ts';

/** Bytes per second that all nodes sent, by kind of message, at successive moments. */
export interface TrafficSeries {
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[];
  /** Busiest first; each as long as `times`. */
  readonly kinds: readonly { readonly type: string; readonly rates: readonly number[] }[];
}

interface Sample {
  readonly at: number;
  /** `node type` → bytes since the node's start. */
  readonly counters: ReadonlyMap<string, number>;
}

const samplesMax = 300;
const kindsMax = 8;

/** Makes rates of counters, of which some nodes' may be missing or begin anew at any time. */
export class TrafficMeter {
  readonly #times: number[] = [];
  readonly #rates: Map<string, number>[] = [];
  #last: Sample | undefined;

  /** One look at all nodes. */
  observe(at: number, rows: readonly Pick<NodeRow, 'name' | 'traffic'>[]): void {
    const counters = new Map<string, number>();
    for (const { name, traffic } of rows)
      for (const { type, bytesOut } of traffic) counters.set(`${name} ${type}`, bytesOut);
    const last = this.#last;
    // Rates over less than a moment would only be noise.
    if (last !== undefined && at - last.at < 200) return;
    this.#last = { at, counters };
    if (last === undefined) return;
    const rates = new Map<string, number>();
    for (const [key, bytes] of counters) {
      const before = last.counters.get(key);
      // A smaller counter belongs to a new life.
      if (before === undefined || bytes < before) continue;
      const type = key.slice(key.indexOf(' ') + 1);
      rates.set(type, (rates.get(type) ?? 0) + ((bytes - before) * 1_000) / (at - last.at));
    }
    this.#times.push(at / 1_000);
    this.#rates.push(rates);
    if (this.#times.length <= samplesMax) return;
    this.#times.shift();
    this.#rates.shift();
  }

  series(): TrafficSeries {
    const sums = new Map<string, number>();
    for (const rates of this.#rates) for (const [type, rate] of rates) sums.set(type, (sums.get(type) ?? 0) + rate);
    const types = [...sums].toSorted(([a, x], [b, y]) => y - x || a.localeCompare(b)).map(([type]) => type);
    const shown = types.slice(0, kindsMax);
    const rest = types.slice(kindsMax);
    const kinds = shown.map((type) => ({ type, rates: this.#rates.map((rates) => rates.get(type) ?? 0) }));
    if (rest.length > 0)
      kinds.push({
        type: 'others',
        rates: this.#rates.map((rates) => rest.reduce((sum, type) => sum + (rates.get(type) ?? 0), 0)),
      });
    return { times: [...this.#times], kinds };
  }

  /** What all nodes send now, in bytes per second. */
  get total(): number {
    return [...(this.#rates.at(-1)?.values() ?? [])].reduce((sum, rate) => sum + rate, 0);
  }
}
