import { setTimeout as sleep } from 'node:timers/promises';

export interface LiveOptions<Value> {
  readonly signal: AbortSignal;
  readonly intervalMs: number;
  readonly fetch: () => Promise<Value>;
  /** The whole picture, for a terminal. */
  readonly draw: (value: Value) => string;
  /** What went wrong, for a terminal; the watch goes on. */
  readonly drawError: (error: unknown) => string;
  /** One value for a reader that is no terminal. */
  readonly write: (value: Value) => void;
  /** Values with the same key are not written twice. */
  readonly key: (value: Value) => string;
  readonly terminal: boolean;
}

/**
 * Watches a value until `signal`. On a terminal the picture is redrawn in place, only the lines that changed; elsewhere
 * each change is written once. A node that does not answer is asked again: a watch outlives restarts.
 */
export async function watchLive<Value>(options: LiveOptions<Value>): Promise<void> {
  const { signal, intervalMs, terminal } = options;
  const screen = terminal ? await openScreen() : undefined;
  let written: string | undefined;
  try {
    while (!signal.aborted) {
      try {
        const value = await options.fetch();
        const key = options.key(value);
        if (screen !== undefined) screen.draw(options.draw(value));
        else if (key !== written) options.write(value);
        written = key;
      } catch (error) {
        if (signal.aborted) break;
        // The first question must be answered: a wrong URL is no reason to wait for ever.
        if (written === undefined) throw error;
        screen?.draw(options.drawError(error));
      }
      await sleep(intervalMs, undefined, { signal }).catch(() => {});
    }
  } finally {
    screen?.close();
  }
}

async function openScreen(): Promise<{ draw: (text: string) => void; close: () => void }> {
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(process.stdout);
  return {
    draw: (text) => update(cutToHeight(text, process.stdout.rows ?? 24)),
    close: () => update.done(),
  };
}

/** A picture higher than the terminal would scroll with each redraw: the rest is counted instead. */
export function cutToHeight(text: string, rows: number): string {
  const lines = text.split('\n');
  const room = Math.max(2, rows - 1);
  if (lines.length <= room) return text;
  return [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`].join('\n');
}

export interface Progress {
  /** Replaces what is shown. */
  show(text: string): void;
  /** Leaves a line behind. */
  note(text: string): void;
  close(): void;
}

/** Progress on stderr: one place that changes on a terminal, nothing but notes elsewhere, silence when not wanted. */
export async function openProgress(wanted: boolean): Promise<Progress> {
  if (!wanted) return { show() {}, note() {}, close() {} };
  const write = (line: string): void => void process.stderr.write(`${line}\n`);
  if (!process.stderr.isTTY) return { show() {}, note: write, close() {} };
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(process.stderr);
  return {
    show: (line) => update(line),
    note() {},
    close() {
      update.clear();
      update.done(); // gives the cursor back
    },
  };
}
