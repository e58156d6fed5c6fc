import type { Millis } from '@grp/core';
import type { LinkSettings } from './config.ts';

/** Retransmission timeout from measured round trips: RFC 6298 §2, with the bounds of the settings. */
export class RoundTrips {
  readonly #settings: LinkSettings;
  /** Smoothed, in ms; undefined before the first measurement. */
  smoothedMs: Millis | undefined;
  #variationMs = 0;
  #timeoutMs: Millis;
  #backoff = 1;

  constructor(settings: LinkSettings) {
    this.#settings = settings;
    this.#timeoutMs = settings.rtoInitialMs;
  }

  /** With the backoff of §5.5. */
  get timeoutMs(): Millis {
    return Math.min(this.#timeoutMs * this.#backoff, this.#settings.rtoMaxMs);
  }

  /** A packet that was sent once has been acknowledged (Karn: others say nothing about the round trip). */
  sample(ms: Millis): void {
    if (this.smoothedMs === undefined) {
      this.smoothedMs = ms;
      this.#variationMs = ms / 2;
    } else {
      this.#variationMs += (Math.abs(this.smoothedMs - ms) - this.#variationMs) / 4;
      this.smoothedMs += (ms - this.smoothedMs) / 8;
    }
    const { rtoMinMs, rtoMaxMs } = this.#settings;
    this.#timeoutMs = Math.min(rtoMaxMs, Math.max(rtoMinMs, this.smoothedMs + 4 * this.#variationMs));
  }

  /** Something new was acknowledged. */
  progress(): void {
    this.#backoff = 1;
  }

  backOff(): void {
    if (this.timeoutMs < this.#settings.rtoMaxMs) this.#backoff *= 2;
  }

  /** When a tail that nothing follows is probed, after it was sent: RFC 8985 §7.2 (the peer may hold its ack back). */
  probeAfterMs(): Millis {
    const { ackDelayMs, rtoInitialMs } = this.#settings;
    if (this.smoothedMs === undefined) return rtoInitialMs;
    return Math.max(2 * this.smoothedMs, probeMinMs) + ackDelayMs;
  }
}

// Below that, a busy event loop would look like a loss.
const probeMinMs = 10;

/** How many bytes may be in flight: slow start and additive increase (RFC 5681), decrease by 0.7 (RFC 9438 §4.6). */
export class CongestionWindow {
  readonly #settings: LinkSettings;
  readonly #datagramBytes: number;
  readonly #minBytes: number;
  #threshold = Infinity;
  bytes: number;

  constructor(settings: LinkSettings, datagramBytes: number) {
    this.#settings = settings;
    this.#datagramBytes = datagramBytes;
    this.#minBytes = Math.max(settings.windowBytesMin, 2 * datagramBytes);
    this.bytes = Math.max(settings.windowBytesInitial, this.#minBytes);
  }

  /** @param wasFull whether the window held something back; one that is not used must not grow */
  acknowledged(bytes: number, wasFull: boolean): void {
    if (!wasFull) return;
    const growth = this.bytes < this.#threshold ? bytes : (bytes * this.#datagramBytes) / this.bytes;
    this.bytes = Math.min(this.bytes + growth, Math.max(this.#settings.windowBytesMax, this.#minBytes));
  }

  /** At most once per window of packets: the caller sees to that. */
  lost(): void {
    this.#threshold = Math.max(this.bytes * 0.7, this.#minBytes);
    this.bytes = this.#threshold;
  }

  timedOut(): void {
    this.#threshold = Math.max(this.bytes * 0.7, this.#minBytes);
    this.bytes = this.#minBytes;
  }
}
