// corosync in the same run: as many daemons as members, each in a network namespace on one bridge, with a small driver of
// ours (gms-corosync.c) beside each. Needs root, `ip`, `unshare`, `gcc`, corosync and the headers of libcpg.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pause } from './gms-processes.ts';
import type { CellTimes } from './gms-throughput.ts';

export interface CorosyncCell {
  readonly members: number;
  readonly payloadBytes: number;
  readonly senders: 'all' | 'one';
  readonly window: number;
}

export interface CorosyncFigures extends CorosyncCell {
  readonly perSecond: number;
  /** Of daemons and drivers together. */
  readonly perCpuSecond: number;
  readonly cores: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly faults: readonly string[];
  readonly load: number;
}

interface DriverReport {
  readonly deliveries: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly total: number;
  readonly orderHash: string;
  readonly faults: number;
  readonly lost: number;
}

const source = fileURLToPath(new URL('gms-corosync.c', import.meta.url));
const header = '/usr/include/corosync/cpg.h';
const formTimeoutMs = 45_000;

// Waits until its stdin ends, which it does whatever happens to the process at the other end; then it clears up.
const sweep = `cat >/dev/null
for space in $(ip netns list | cut -d ' ' -f 1 | grep "^$0-"); do
  for pid in $(ip netns pids "$space"); do kill -9 "$pid" 2>/dev/null; done
  ip netns del "$space"
done
rm -rf "$1"`;

/** Why it cannot be measured here; undefined when it can. */
export function corosyncMissing(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need root on Linux';
  for (const command of ['corosync', 'gcc', 'ip', 'unshare']) {
    if (spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0) return `there is no ${command} on the PATH`;
  }
  return existsSync(header) ? undefined : `there is no ${header} (Debian: apt-get install libcpg-dev)`;
}

/** As it says of itself. */
export function corosyncVersion(): string {
  const { stdout } = spawnSync('corosync', ['-v'], { encoding: 'utf8' });
  return /version '([^']+)'/.exec(stdout)?.[1] ?? 'unknown';
}

/** Measures cells with corosync; `close` leaves no process, namespace and file behind. */
export class CorosyncLab {
  readonly #dir: string;
  readonly #driver: string;
  readonly #watchdog: ChildProcess;
  readonly #prefix = `grp-cpg-${process.pid}`;
  #spaces: string[] = [];
  #children: ChildProcess[] = [];
  readonly #onExit = (): void => this.#removeAll();

  static async open(): Promise<CorosyncLab> {
    const dir = await mkdtemp(join(tmpdir(), 'grp-bench-cpg-'));
    const driver = join(dir, 'gms-corosync');
    execFileSync('gcc', ['-O2', '-o', driver, source, '-lcpg']);
    return new CorosyncLab(dir, driver);
  }

  private constructor(dir: string, driver: string) {
    this.#dir = dir;
    this.#driver = driver;
    process.once('exit', this.#onExit);
    const watchdog = spawn('sh', ['-c', sweep, this.#prefix, dir], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    watchdog.unref();
    this.#watchdog = watchdog;
  }

  async measure(cell: CorosyncCell, times: CellTimes, load: () => number): Promise<CorosyncFigures> {
    try {
      this.#layOut(cell.members);
      const config = await this.#configure(cell.members);
      const daemons = Array.from({ length: cell.members }, (_, index) => this.#startDaemon(index + 1, config));
      const reports = await this.#drive(cell, times, daemons);
      return figuresOf(cell, reports, load());
    } finally {
      await this.#tearDown();
    }
  }

  close(): void {
    process.off('exit', this.#onExit);
    this.#removeAll();
    this.#watchdog.stdin?.end(); // it finds nothing left
  }

  /** The bridge and both ends of the cables live in namespaces of their own: the root namespace sees nothing. */
  #layOut(count: number): void {
    const sw = this.#addSpace('sw');
    run('ip', '-n', sw, 'link', 'add', 'br0', 'type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0');
    run('ip', '-n', sw, 'link', 'set', 'br0', 'up');
    for (let host = 1; host <= count; host++) {
      const space = this.#addSpace(`h${host}`);
      run('ip', 'link', 'add', 'eth0', 'netns', space, 'type', 'veth', 'peer', 'name', `p${host}`, 'netns', sw);
      run('ip', '-n', sw, 'link', 'set', `p${host}`, 'master', 'br0', 'up');
      for (const link of ['lo', 'eth0']) run('ip', '-n', space, 'link', 'set', link, 'up');
      run('ip', '-n', space, 'addr', 'add', `10.78.0.${host}/24`, 'dev', 'eth0');
    }
  }

  #addSpace(name: string): string {
    const space = `${this.#prefix}-${name}`;
    this.#spaces.push(space);
    run('ip', 'netns', 'add', space);
    return space;
  }

  async #configure(count: number): Promise<string> {
    const nodes = Array.from({ length: count }, (_, index) => {
      const host = index + 1;
      return `  node {\n    ring0_addr: 10.78.0.${host}\n    nodeid: ${host}\n    name: h${host}\n  }`;
    });
    const file = join(this.#dir, `corosync-${count}.conf`);
    await writeFile(
      file,
      [
        'totem {\n  version: 2\n  cluster_name: grp\n  transport: udpu\n  crypto_cipher: none\n  crypto_hash: none\n}',
        `nodelist {\n${nodes.join('\n')}\n}`,
        'logging {\n  to_stderr: no\n  to_logfile: no\n  to_syslog: no\n}\n',
      ].join('\n'),
    );
    return file;
  }

  // A daemon keeps its lock and its ring's number in folders of the system: each gets folders of its own.
  #startDaemon(host: number, config: string): ChildProcess {
    const script =
      'mount -t tmpfs none /run && mkdir -p /run/corosync /var/lib/corosync && ' +
      'mount -t tmpfs none /var/lib/corosync && exec corosync -f -c "$0"';
    return this.#spawn(host, 'unshare', ['-m', 'sh', '-c', script, config], 'ignore');
  }

  #spawn(host: number, command: string, args: readonly string[], stdout: 'ignore' | 'pipe'): ChildProcess {
    const space = `${this.#prefix}-h${host}`;
    const stdio = ['ignore', stdout, 'inherit'] as const;
    const child = spawn('ip', ['netns', 'exec', space, command, ...args], { stdio: [...stdio] });
    child.once('error', () => {}); // its exit says enough
    this.#children.push(child);
    return child;
  }

  /** The drivers start with the ring; the daemons' processor time is looked up when a driver begins and ends to count. */
  async #drive(cell: CorosyncCell, times: CellTimes, daemons: readonly ChildProcess[]): Promise<DriverReport[]> {
    const jobs = daemons.map(async (daemon, index) => {
      const isSender = cell.senders === 'all' || index === cell.members - 1;
      const numbers = [cell.members, isSender ? cell.window : 0, cell.payloadBytes, times.warmUpMs, times.measureMs];
      const child = this.#spawn(index + 1, this.#driver, numbers.map(String), 'pipe');
      let daemonCpu = 0;
      const reports: DriverReport[] = [];
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        if (line === 'measure') daemonCpu -= cpuSecondsOf(daemon);
        else if (line === 'measured') daemonCpu += cpuSecondsOf(daemon);
        else if (line.startsWith('{')) reports.push(JSON.parse(line) as DriverReport);
      });
      await once(child, 'close');
      const [report] = reports;
      if (report === undefined) throw new Error(`corosync's driver ${index + 1} of ${cell.members} ended early`);
      return { ...report, cpuSeconds: report.cpuSeconds + daemonCpu };
    });
    const late = new AbortController();
    const limit = pause(formTimeoutMs + times.warmUpMs + times.measureMs, late.signal).then(() => {
      throw new Error('corosync did not come to an end in time');
    });
    try {
      return await Promise.race([Promise.all(jobs), limit]);
    } finally {
      late.abort();
    }
  }

  async #tearDown(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL'); // `ip`, `unshare` and `sh` have all become the process
    const running = this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    await Promise.all(running.map((child) => once(child, 'exit')));
    this.#children = [];
    this.#removeSpaces();
  }

  #removeAll(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#removeSpaces();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #removeSpaces(): void {
    for (const space of this.#spaces) spawnSync('ip', ['netns', 'del', space], { stdio: 'ignore' });
    this.#spaces = [];
  }
}

function figuresOf(cell: CorosyncCell, reports: readonly DriverReport[], load: number): CorosyncFigures {
  const rate = Math.min(...reports.map(({ deliveries, seconds }) => deliveries / seconds));
  const cores = reports.reduce((sum, { cpuSeconds, seconds }) => sum + cpuSeconds / seconds, 0);
  const senders = reports.filter(({ p50Us }) => p50Us > 0);
  const rows = new Set(reports.map(({ total, orderHash }) => `${total} ${orderHash}`));
  const wrong = reports.reduce((sum, { faults, lost }) => sum + faults + lost, 0);
  const mean = (values: readonly number[]): number =>
    Math.round(values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length));
  return {
    ...cell,
    perSecond: Math.round(rate),
    perCpuSecond: Math.round(rate / cores),
    cores: Math.round(cores * 100) / 100,
    p50Us: mean(senders.map(({ p50Us }) => p50Us)),
    p99Us: Math.max(0, ...senders.map(({ p99Us }) => p99Us)),
    faults: [
      ...(rows.size === 1 ? [] : [`rows differ: ${[...rows].join(', ')}`]),
      ...(wrong === 0 ? [] : [`${wrong} own messages lost, doubled or out of turn`]),
    ],
    load,
  };
}

/** User and system time so far; the clock of /proc ticks a hundred times a second. */
function cpuSecondsOf({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
