import type { LogFields, Logger, LogLevel } from '@grp/core';

export interface Line extends LogFields {
  readonly level: LogLevel;
  readonly event: string;
}

/** Keeps the lines for a test to look at. */
export function recordingLogger(): Logger & { readonly lines: Line[]; events(): string[] } {
  const lines: Line[] = [];
  return {
    lines,
    events: () => lines.map(({ event }) => event),
    log: (level, event, fields) => void lines.push({ level, event, ...fields }),
  };
}
