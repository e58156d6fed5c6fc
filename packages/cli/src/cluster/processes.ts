import { readFileSync } from 'node:fs';

export interface ProcessMark {
  readonly pid: number;
  /** When the process began, in the kernel's clock ticks since boot; null where the system does not tell. */
  readonly startTicks: number | null;
}

export interface ProcessLife {
  readonly startTicks: number | null;
  /** Stopped by SIGSTOP. */
  readonly paused: boolean;
}

/**
 * What the system says about a process id; undefined when there is none, or only its remains. Where there is no /proc
 * (macOS, Windows) only the existence is known: callers then compare what the node says about itself.
 */
export function lookUp(pid: number): ProcessLife | undefined {
  if (pid <= 0) return undefined; // to the system these name groups of processes
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    if (process.platform === 'linux') return undefined;
    return exists(pid) ? { startTicks: null, paused: false } : undefined;
  }
  return parseStat(line);
}

/** Reads a line of /proc/PID/stat, see proc(5): the name in parentheses may itself hold spaces and parentheses. */
export function parseStat(line: string): ProcessLife | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTicks = Number(fields[19]); // field 22 of the line
  if (state === undefined || Number.isNaN(startTicks) || ['Z', 'X', 'x'].includes(state)) return undefined;
  return { startTicks, paused: state === 'T' || state === 't' };
}

/** The same process as when the mark was made, not another one that was given its number since. */
export function isAlive(mark: ProcessMark): boolean {
  const life = lookUp(mark.pid);
  if (life === undefined) return false;
  return mark.startTicks === null || life.startTicks === null || life.startTicks === mark.startTicks;
}

/** Sends a signal to that very process; false when it is gone. */
export function sendSignal(mark: ProcessMark, signal: NodeJS.Signals): boolean {
  if (!isAlive(mark)) return false;
  try {
    process.kill(mark.pid, signal);
    return true;
  } catch {
    return false;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
