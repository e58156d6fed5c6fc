// Many clients in one process, each of them one write after the other, for a while.

/** Writes once, then calls back. */
export type LoadWrite = (done: (isOk: boolean) => void) => void;

export interface LoadFigures {
  readonly writes: number;
  readonly failures: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** µs, all or a sample. */
  readonly latencies: readonly number[];
}

const latenciesMax = 20_000;
const pauseAfterFailureMs = 5;

/** Tells the parent when it measures, and then what it has measured; the process ends. */
export async function runLoad(
  writes: readonly LoadWrite[],
  { warmUpMs, measureMs }: { readonly warmUpMs: number; readonly measureMs: number },
): Promise<void> {
  let [count, failures, isMeasuring, isOver] = [0, 0, false, false];
  const latencies: number[] = [];
  const oneIn = Math.max(1, Math.round(writes.length / 8));
  for (const [index, write] of writes.entries()) {
    const isTimed = index % oneIn === 0;
    let from = 0;
    const next = (): void => {
      if (isTimed) from = performance.now();
      write(answered);
    };
    const answered = (isOk: boolean): void => {
      if (isOver) return;
      if (isMeasuring) {
        if (isOk) count++;
        else failures++;
        if (isTimed && isOk && latencies.length < latenciesMax) latencies.push((performance.now() - from) * 1_000);
      }
      if (isOk) next();
      else setTimeout(next, pauseAfterFailureMs);
    };
    next();
  }
  await pause(warmUpMs);
  isMeasuring = true;
  const [from, cpu] = [performance.now(), process.cpuUsage()];
  process.send?.({ type: 'measuring' });
  await pause(measureMs);
  isOver = true;
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - from) / 1_000;
  const figures: LoadFigures = { writes: count, failures, seconds, cpuSeconds: (user + system) / 1e6, latencies };
  process.send?.({ type: 'figures', ...figures }, () => process.exit(0));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
