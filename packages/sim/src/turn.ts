/** Lets everything go on that hangs on promises. */
export interface Turns {
  next(): Promise<void>;
  /** Gives back what keeps the process alive. */
  close(): void;
}

interface Channel {
  readonly port1: {
    addEventListener(type: 'message', listener: () => void, options: { readonly once: boolean }): void;
    start(): void;
    close(): void;
  };
  readonly port2: { postMessage(message: unknown): void };
}
/** What a host may offer; browsers have no `setImmediate`, a bare context has neither. */
export interface Macrotasks {
  readonly setImmediate?: (callback: () => void) => unknown;
  readonly MessageChannel?: new () => Channel;
}

// Where a host has no macrotasks at all, this many promise turns stand in for one.
const turnsWithoutMacrotask = 64;

/**
 * One macrotask of the host a turn: when it comes, every promise reaction that could run has run, however deep. Only the
 * fact that it comes is used, never when, so that runs stay the same.
 */
export function hostTurns(host: Macrotasks = globalThis): Turns {
  const { setImmediate: immediate, MessageChannel: Pair } = host;
  if (immediate !== undefined) return { next: () => new Promise((resolve) => void immediate(resolve)), close() {} };
  if (Pair !== undefined) {
    const { port1, port2 } = new Pair();
    return {
      next: () =>
        new Promise((resolve) => {
          port1.addEventListener('message', () => resolve(), { once: true });
          port1.start();
          port2.postMessage(undefined);
        }),
      close: () => port1.close(),
    };
  }
  return {
    async next() {
      for (let turn = 0; turn < turnsWithoutMacrotask; turn++) await Promise.resolve();
    },
    close() {},
  };
}
