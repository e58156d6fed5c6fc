import { sanitizeText } from '@grp/core';
import { bytesText, timeText } from '../output/units.ts';
import type { Progress } from '../output/live.ts';

const drawMs = 100;
/** The rate is that of the last seconds: what it was a minute ago tells nobody how long it will take. */
const rateWindowMs = 3_000;
const barWidth = 20;

/** How far a transfer has got, drawn at most ten times a second. */
export class TransferProgress {
  readonly #name: string;
  readonly #progress: Progress;
  readonly #total: number | undefined;
  readonly #now: () => number;
  readonly #marks: { at: number; bytes: number }[] = [];
  #bytes = 0;
  #drawnAt = -Infinity;

  constructor(options: {
    readonly name: string;
    readonly progress: Progress;
    /** Undefined: nobody knows. */
    readonly total: number | undefined;
    readonly now?: () => number;
  }) {
    this.#name = sanitizeText(options.name, { lengthMax: 40 });
    this.#progress = options.progress;
    this.#total = options.total;
    this.#now = options.now ?? (() => performance.now());
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const now = this.#now();
    if (now - this.#drawnAt < drawMs) return;
    this.#drawnAt = now;
    this.#marks.push({ at: now, bytes: this.#bytes });
    while (this.#marks.length > 2 && now - (this.#marks[0]?.at ?? now) > rateWindowMs) this.#marks.shift();
    this.#progress.show(this.text());
  }

  /** From the beginning again, for a second attempt. */
  restart(): void {
    this.#bytes = 0;
    this.#marks.length = 0;
  }

  text(): string {
    const rate = this.#bytesPerSecond();
    const total = this.#total;
    const parts = [this.#name];
    if (total === undefined) parts.push(bytesText(this.#bytes));
    else {
      const share = total === 0 ? 1 : Math.min(1, this.#bytes / total);
      const filled = Math.round(share * barWidth);
      parts.push(
        `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}] ${String(Math.floor(share * 100)).padStart(3)}%`,
      );
      parts.push(`${bytesText(this.#bytes)} of ${bytesText(total)}`);
    }
    if (rate > 0) parts.push(`${bytesText(rate)}/s`);
    if (rate > 0 && total !== undefined) parts.push(`${timeText(((total - this.#bytes) / rate) * 1_000)} left`);
    return parts.join('  ');
  }

  #bytesPerSecond(): number {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    if (first === undefined || last === undefined || last.at <= first.at) return 0;
    return ((last.bytes - first.bytes) / (last.at - first.at)) * 1_000;
  }
}
