import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { sendSignal, type ProcessMark } from '../cluster/processes.ts';

/** In the environment of every process that a benchmark starts, with a value of its own per run. */
const variable = 'BENCH_RUN_TOKEN';

// Waits until its stdin ends, which it does whatever happens to the process at the other end; then it ends all processes
// that carry the token. Their ids may have been given to others meanwhile, the token cannot.
const sweep = `cat >/dev/null
for file in /proc/[0-9]*/environ; do
  grep -qs "$0" "$file" || continue
  pid=\${file#/proc/}; pid=\${pid%/environ}
  [ "$pid" = "$$" ] || kill -9 "$pid" 2>/dev/null
done`;

/** Knows every process of the benchmark, and ends them all: in order, on exit, and when this process itself is killed. */
export class Guard {
  readonly #marks = new Set<ProcessMark>();
  readonly #onExit = (): void => this.killAll();
  #watchdog: ReturnType<typeof spawn> | undefined;

  /** From now on nothing outlives this process. What is started must inherit its environment. */
  arm(): void {
    const token = randomUUID();
    if (process.platform === 'linux') {
      const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== variable));
      this.#watchdog = spawn('sh', ['-c', sweep, token], {
        detached: true,
        env: environment,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      this.#watchdog.once('error', () => {}); // then exit and signals are what remains
      this.#watchdog.unref();
      (this.#watchdog.stdin as { unref?: () => void } | null)?.unref?.();
    }
    process.env[variable] = token;
    process.once('exit', this.#onExit);
  }

  add(mark: ProcessMark): void {
    this.#marks.add(mark);
  }

  /** Ends everything at once. Never throws. */
  killAll(): void {
    for (const mark of this.#marks) sendSignal(mark, 'SIGKILL');
    this.#marks.clear();
  }

  /** Ends everything, the watchdog too: there is nothing left to watch. */
  disarm(): void {
    this.killAll();
    process.off('exit', this.#onExit);
    delete process.env[variable];
    const pid = this.#watchdog?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL'); // the shell and what it runs: a process group of its own
    } catch {
      // It has gone before.
    }
  }
}
