import { createInterface } from 'node:readline';
import { systemClock, systemRandom } from '@grp/core';
import { MaelstromNode, type MaelstromNodeOptions } from '@grp/lab';
import { createLogger } from '@grp/node';

export type MaelstromFlags = Required<Pick<MaelstromNodeOptions, 'workload' | 'preset'>>;

/**
 * Plays one node on stdin and stdout until stdin ends or `signal` is aborted; answers how many lines came in and went out.
 * @throws what the node found to be a bug
 */
export async function runMaelstromNode(
  flags: MaelstromFlags,
  signal: AbortSignal,
): Promise<{ readonly received: number; readonly sent: number; readonly dropped: number }> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  let [received, sent] = [0, 0];
  let bug: { readonly cause: unknown } | undefined;
  const node = new MaelstromNode({
    ...flags,
    clock: systemClock(),
    random: systemRandom(),
    logger: createLogger({ format: 'json' }),
    later: queueMicrotask,
    send: (line) => {
      sent++;
      process.stdout.write(`${line}\n`);
    },
    onFatal: (cause) => {
      bug = { cause };
      lines.close();
    },
  });
  const close = (): void => lines.close();
  signal.addEventListener('abort', close, { once: true });
  await new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line.trim() === '') return;
      received++;
      node.receive(line);
    });
    lines.once('close', resolve);
  });
  signal.removeEventListener('abort', close);
  node.stop();
  process.stdin.destroy(); // nobody reads it any more, and it would keep the process alive
  if (bug !== undefined) throw bug.cause;
  return { received, sent, dropped: node.droppedCount };
}
