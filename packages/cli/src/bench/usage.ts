import { readFileSync } from 'node:fs';

/** What the kernel says one process has used. */
export interface ProcessUsage {
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** Linux counts processor time in hundredths of a second, whatever its timer does (USER_HZ, see proc(5)). */
const tickMs = 10;

/** From /proc; undefined where there is none, or no such process. */
export function usageOf(pid: number): ProcessUsage | undefined {
  try {
    return parseUsage(readFileSync(`/proc/${pid}/stat`, 'latin1'), readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Reads the contents of /proc/PID/stat (fields 14 and 15) and of /proc/PID/status (VmRSS). */
export function parseUsage(stat: string, status: string): ProcessUsage | undefined {
  // The name in parentheses may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (Number.isNaN(ticks) || resident === undefined) return undefined;
  return { cpuMs: ticks * tickMs, residentBytes: Number(resident) * 1_024 };
}
