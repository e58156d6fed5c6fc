import type { Millis } from '@grp/core';
import { LatencyHistogram, type GroupOrder, type GroupReport } from '@grp/tracker';
import type { GroupMetricsReport } from './api.ts';

/** More than an hour is a clock that was set, or a lie. */
const latencyMsMax = 3_600_000;

/** What one member measures in one group. */
export class Meter {
  readonly #startedAt: Millis;
  readonly #latency = new LatencyHistogram();
  #sent = 0;
  #received = 0;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(now: Millis) {
    this.#startedAt = now;
  }

  sent(bytes: number): void {
    this.#sent++;
    this.#bytesSent += bytes;
  }

  /** @param latencyMs undefined while the sender's clock is not known; NaN and the like are left out */
  received(bytes: number, latencyMs: Millis | undefined): void {
    this.#received++;
    this.#bytesReceived += bytes;
    if (latencyMs === undefined || !(Math.abs(latencyMs) <= latencyMsMax)) return;
    this.#latency.record(Math.max(0, latencyMs)); // less than nothing is the clocks' error
  }

  /** For people. */
  report(group: string, order: GroupOrder, now: Millis): GroupMetricsReport {
    const durationMs = now - this.#startedAt;
    const exchanged = this.#sent + this.#received;
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((quantile) => this.#latency.quantile(quantile));
    return {
      ...{ group, order, sent: this.#sent, received: this.#received, exchanged },
      ...{ bytesSent: this.#bytesSent, bytesReceived: this.#bytesReceived, durationMs },
      throughputPerSecond: durationMs > 0 ? (exchanged * 1_000) / durationMs : 0,
      latencyMs: {
        count: this.#latency.count,
        ...(p50 !== undefined && { p50 }),
        ...(p95 !== undefined && { p95 }),
        ...(p99 !== undefined && { p99 }),
      },
    };
  }

  /** For the tracker. */
  toReport(group: string, now: Millis): GroupReport {
    return {
      ...{ group, sent: this.#sent, received: this.#received },
      ...{ bytesSent: this.#bytesSent, bytesReceived: this.#bytesReceived },
      durationMs: Math.round(now - this.#startedAt),
      latency: this.#latency.toJSON(),
    };
  }
}
