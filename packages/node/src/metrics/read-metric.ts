import { Counter, Gauge, type Registry } from 'prom-client';

/** One value with its labels. */
export type Sample = readonly [labels: Record<string, string>, value: number];

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: string[];
  readonly registers: Registry[];
}

/** A gauge that is read when somebody scrapes. */
export function gauge(options: MetricOptions, read: () => readonly Sample[] | Promise<readonly Sample[]>): void {
  const metric = new Gauge({
    labelNames: [],
    ...options,
    async collect() {
      const samples = await read();
      metric.reset();
      for (const [labels, value] of samples) metric.set(labels, value);
    },
  });
}

/** A counter that is kept elsewhere and read when somebody scrapes. */
export function counter(options: MetricOptions, read: () => readonly Sample[] | Promise<readonly Sample[]>): void {
  const metric = new Counter({
    labelNames: [],
    ...options,
    async collect() {
      const samples = await read();
      metric.reset();
      for (const [labels, value] of samples) metric.inc(labels, value);
    },
  });
}
