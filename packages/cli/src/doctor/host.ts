import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ok, problem, warning, type Finding } from './finding.ts';

const filesWanted = 4_096;
const clockSampleMs = 200;

/** The runtime: packages ask for Node 22.12 or later. */
export function checkRuntime(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const text = `Node.js ${version} on ${process.platform}-${process.arch}`;
  if (major > 22 || (major === 22 && minor >= 12)) return ok('node', text);
  return problem(
    'node',
    `${text}: 22.12 or later is needed.`,
    'Install Node.js 24, or start through the root scripts of the repository, which bring their own.',
  );
}

/** How many files and sockets this process may open. */
export async function checkFileLimit(readLimits = () => readFile('/proc/self/limits', 'utf8')): Promise<Finding> {
  const limits = await readLimits().catch(() => '');
  const match = /^Max open files\s+(\d+|unlimited)/m.exec(limits);
  if (match === null) return ok('files', 'The limit of open files cannot be read on this system.');
  const limit = match[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(match[1]);
  if (limit >= filesWanted) return ok('files', `${match[1]} open files are allowed.`);
  return warning(
    'files',
    `Only ${limit} open files are allowed: with many connections a node runs out.`,
    `Run: ulimit -n ${filesWanted}`,
  );
}

/** The clock: members' incarnations begin at the Unix time, so a clock far in the past makes a restart look old. */
export async function checkClock(): Promise<Finding> {
  const wall = Date.now();
  const steady = performance.now();
  const fix = 'Set the clock and keep it set: timedatectl set-ntp true';
  if (wall < Date.UTC(2026, 0, 1) || wall > Date.UTC(2100, 0, 1)) {
    return problem('clock', `The clock says ${new Date(wall).toISOString()}.`, fix);
  }
  await sleep(clockSampleMs);
  const driftMs = Math.abs(Date.now() - wall - (performance.now() - steady));
  if (driftMs <= 20) return ok('clock', `The clock says ${new Date(wall).toISOString()} and runs evenly.`);
  return warning('clock', `The clock jumped by ${Math.round(driftMs)} ms within ${clockSampleMs} ms.`, fix);
}
