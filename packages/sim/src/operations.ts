import type { Millis } from '@grp/core';

/** One operation of one client: what consistency checkers read, here and elsewhere. */
export interface Operation<Value = unknown> {
  /** A client that has one operation at a time. After `info` it goes on under a new name. */
  readonly process: string;
  /** What was asked: `read`, `write`, `append`, … */
  readonly f: string;
  readonly key: string;
  readonly value: Value | null;
  /** Virtual ms when it began. */
  readonly call: Millis;
  /** Virtual ms of the answer; null when there was none. */
  readonly return: Millis | null;
  readonly out: Value | null;
  /** `ok`: done. `fail`: surely not done. `info`: done, not done, or done later: nobody knows. */
  readonly type: 'ok' | 'fail' | 'info';
}

/** An operation that is under way. It ends once; what is said afterwards is ignored. */
export interface OngoingOperation<Value> {
  ok(out?: Value): void;
  fail(): void;
  info(): void;
}

/** Records what clients asked and heard. */
export class OperationHistory<Value = unknown> {
  readonly #now: () => Millis;
  readonly #operations: Operation<Value>[] = [];
  readonly #open = new Map<number, Operation<Value>>();
  readonly #lives = new Map<string, number>();
  #number = 0;

  constructor(now: () => Millis) {
    this.#now = now;
  }

  begin(asked: {
    readonly process: string;
    readonly f: string;
    readonly key: string;
    readonly value?: Value;
  }): OngoingOperation<Value> {
    const number = this.#number++;
    const life = this.#lives.get(asked.process) ?? 0;
    const process = life === 0 ? asked.process : `${asked.process}~${life}`;
    this.#open.set(number, {
      process,
      f: asked.f,
      key: asked.key,
      value: asked.value ?? null,
      call: this.#now(),
      return: null,
      out: null,
      type: 'info',
    });
    const end = (type: Operation['type'], out?: Value): void => {
      const operation = this.#open.get(number);
      if (operation === undefined) return;
      this.#open.delete(number);
      const returned = type === 'info' ? null : this.#now();
      this.#operations.push({ ...operation, type, return: returned, out: out ?? null });
      // The client may not be known to have finished: what it asks next must not seem to come after.
      if (type === 'info') this.#lives.set(asked.process, life + 1);
    };
    return { ok: (out) => end('ok', out), fail: () => end('fail'), info: () => end('info') };
  }

  /** Everything, by the time of the call; what is still under way counts as `info`. */
  all(): readonly Operation<Value>[] {
    return [...this.#operations, ...this.#open.values()].toSorted((a, b) => a.call - b.call);
  }

  /** One JSON object a line. */
  toJsonLines(): string {
    return this.all()
      .map((operation) => `${JSON.stringify(operation)}\n`)
      .join('');
  }
}
