/** What a tracker has counted since it started. */
export interface TrackerCounts {
  /** Connections accepted, sessions begun, resumed, lost (fell silent), come back after that, and ended. */
  readonly connections: number;
  readonly hellos: number;
  readonly resumes: number;
  readonly lost: number;
  readonly back: number;
  readonly ended: number;
  readonly beats: number;
  readonly views: number;
  /** Views that members agreed on while the tracker was away. */
  readonly adopted: number;
  readonly notices: number;
  readonly tickets: number;
  readonly relayed: number;
  readonly relayedBytes: number;
  readonly reports: number;
}

/** Counters, by name, and refusals by code. */
export class Health {
  readonly #counts: Record<keyof TrackerCounts, number> = {
    connections: 0,
    hellos: 0,
    resumes: 0,
    lost: 0,
    back: 0,
    ended: 0,
    beats: 0,
    views: 0,
    adopted: 0,
    notices: 0,
    tickets: 0,
    relayed: 0,
    relayedBytes: 0,
    reports: 0,
  };
  readonly #refused = new Map<string, number>();

  count(name: keyof TrackerCounts, by = 1): void {
    this.#counts[name] += by;
  }

  /** `code` is one of ours, so that there are never many. */
  refuse(code: string): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }

  counts(): TrackerCounts {
    return { ...this.#counts };
  }

  refused(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#refused);
  }
}
