import { createHash, randomUUID } from 'node:crypto';
import { link, open, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { codeOf, diskError } from './errors.ts';
import { makeFolder } from './open-files.ts';

/** Who wrote a lock file. `boot`, `pidNamespace` and `started` are empty where the system does not tell (all but Linux). */
interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly boot: string;
  readonly pidNamespace: string;
  readonly started: string;
  /** Tells two locks of one process apart. */
  readonly id: string;
}

const ownName = '.lock';

/** Whether a name belongs to locking, which no list shows. */
export function isLockFile(file: string): boolean {
  return file === ownName || file.startsWith(`${ownName}.`);
}

/**
 * Claims a folder for this process, and resolves with what gives it free. The lock of a process that is gone, also one
 * from before a reboot, is taken over. A lock from another host is respected, because nobody can tell whether that host
 * still works. A lock that rot has hit is judged by its twin beside it, which says the same; with both gone it is respected.
 * `name` is that of the lock file, for folders where another one has always been used.
 * @throws GrpError DISK_LOCKED, with `file`, `pid` and `host` in its context
 */
export async function lockFolder(folder: string, name: string = ownName): Promise<() => Promise<void>> {
  await makeFolder(folder);
  const lock = join(folder, name);
  const mine = signed(await describeSelf());
  const holder = await claim(lock, mine);
  if (holder === undefined) await writeTwin(lock, mine);
  if (holder !== undefined) {
    const { pid = 'unknown', host = 'an unknown host' } = holder;
    throw diskError('DISK_LOCKED', { context: { folder, file: lock, pid, host } });
  }
  return async () => {
    // Only if it is still ours: an operator may have removed it and started another process.
    if ((await readText(lock)) !== mine) return;
    await rm(twinOf(lock), { force: true });
    await rm(lock, { force: true });
  };
}

/** Undefined: the lock is ours. Otherwise who holds it. */
async function claim(lock: string, mine: string): Promise<Partial<Holder> | undefined> {
  const draft = `${lock}.${randomUUID()}`;
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(mine);
      await handle.sync(); // so that no power cut leaves an empty lock, which nobody could judge
    } finally {
      await handle.close();
    }
    for (let attempt = 0; attempt < 10; attempt++) {
      if (await tryLink(draft, lock)) return undefined;
      const text = await readText(lock);
      if (text === undefined) continue; // released a moment ago
      const holder = parseHolder(text) ?? parseHolder((await readText(twinOf(lock))) ?? '') ?? {};
      if (await isAlive(holder)) return holder;
      const outcome = await takeOver({ lock, judged: text, id: holder.id as string, draft, mine });
      if (outcome !== 'changed') return outcome === 'taken' ? undefined : outcome;
    }
    return {};
  } finally {
    await rm(draft, { force: true });
  }
}

interface Stale {
  readonly lock: string;
  readonly judged: string;
  readonly id: string;
  readonly draft: string;
  readonly mine: string;
}

/**
 * Replaces a stale lock. Several processes may have judged it stale, so the right to replace this very lock is a lock
 * too, named after it: whoever holds that finds either the lock it has judged, which nobody else may touch, or a newer
 * one. A process that dies while it holds the right leaves a stale lock of its own, taken over in the same way.
 */
async function takeOver({ lock, judged, id, draft, mine }: Stale): Promise<'taken' | 'changed' | Partial<Holder>> {
  const right = `${lock}.after-${id}`;
  const rival = await claim(right, mine);
  if (rival !== undefined) return rival;
  try {
    if ((await readText(lock)) !== judged) return 'changed';
    await rename(draft, lock);
    return 'taken';
  } finally {
    await rm(right, { force: true });
  }
}

/** Creates `to` with the content of `from`, in one step; false when `to` is there. */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    throw cause;
  }
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').then(
    (text) => text.slice(0, 4_096),
    (cause: unknown) => {
      if (codeOf(cause) === 'ENOENT') return undefined;
      throw cause;
    },
  );
}

function twinOf(lock: string): string {
  return `${lock}.twin`;
}

/** After the lock itself: until then a twin of a life before says that nobody holds it, which only rot could bring up. */
async function writeTwin(lock: string, mine: string): Promise<void> {
  const draft = `${lock}.${randomUUID()}`;
  await writeFile(draft, mine, { mode: 0o600, flush: true });
  await rename(draft, twinOf(lock));
}

function signed(holder: Holder): string {
  return JSON.stringify({ ...holder, sum: sumOf(holder) });
}

/** Undefined: nobody has written it so. A lock without a sum is from before there were sums. */
function parseHolder(text: string): Partial<Holder> | undefined {
  try {
    const value = JSON.parse(text) as (Partial<Holder> & { readonly sum?: unknown }) | null;
    if (typeof value !== 'object' || value === null) return undefined;
    const { sum, ...holder } = value;
    return sum === undefined || sum === sumOf(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function sumOf(holder: Partial<Holder>): string {
  return createHash('sha256').update(JSON.stringify(holder)).digest('hex').slice(0, 16);
}

/** Doubt counts as life: a lock is taken over only when its holder is surely gone. */
async function isAlive(holder: Partial<Holder>): Promise<boolean> {
  const self = await describeSelf();
  if (typeof holder.pid !== 'number' || !Number.isInteger(holder.pid) || holder.pid <= 0) return true;
  if (holder.host !== self.host || typeof holder.id !== 'string' || !/^[\w-]{1,64}$/.test(holder.id)) return true;
  if (holder.boot !== self.boot) return false; // the machine was restarted
  // The same host name in another process namespace is a restarted container, whose process number 1 means nothing here.
  if (holder.pidNamespace !== self.pidNamespace) return false;
  if (!processExists(holder.pid)) return false;
  // A number may be given again: then the process that has it now began at another time. And a dead process keeps its
  // number until its parent has asked for the exit code.
  const life = await readStat(holder.pid);
  return !life.ended && holder.started === life.started;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return codeOf(cause) !== 'ESRCH';
  }
}

async function describeSelf(): Promise<Holder> {
  const [boot, pidNamespace, { started }] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
    readStat(process.pid),
  ]);
  return { pid: process.pid, host: hostname(), boot: boot.trim(), pidNamespace, started, id: randomUUID() };
}

/** From /proc/PID/stat, see proc(5); `started` is empty where there is no such file. */
async function readStat(pid: number): Promise<{ readonly started: string; readonly ended: boolean }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field, the program's name, may hold spaces and brackets: count from the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Field 22 is when it began, in clock ticks since boot; field 3 its state: Z and X are only remains.
  return { started: fields[19] ?? '', ended: ['Z', 'X', 'x'].includes(fields[0] ?? '') };
}
