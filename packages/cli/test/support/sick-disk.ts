import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatClient } from '@grp/chat';
import { nodeFiles } from '../../src/cluster/state.ts';

const source = fileURLToPath(new URL('sick-disk.c', import.meta.url));

/** What a disk may do for a while. */
export type Trouble = 'hang' | 'full' | 'fail';

/** Why it cannot be done here; undefined: it can. */
export function whyNoSickDisk(): string | undefined {
  if (process.platform !== 'linux') return 'the shim is for Linux';
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'gcc is not installed';
  }
}

/** Builds the shim; nodes started by this process have it from now on, until the answer is called. */
export function preloadSickDisk(folder: string): () => void {
  const shim = join(folder, 'sick-disk.so');
  execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', shim, source, '-ldl']);
  const before = process.env['LD_PRELOAD'];
  process.env['LD_PRELOAD'] = shim;
  return () => {
    if (before === undefined) delete process.env['LD_PRELOAD'];
    else process.env['LD_PRELOAD'] = before;
  };
}

export function makeSick(dir: string, id: string, trouble: Trouble): void {
  writeFileSync(join(nodeFiles(dir, id).folder, 'trouble'), trouble);
}

export function makeWell(dir: string, id: string): void {
  rmSync(join(nodeFiles(dir, id).folder, 'trouble'), { force: true });
}

/** The longest time in which nobody's message was acknowledged, and how many were. */
export class Pulse {
  #lastAt = performance.now();
  #gapMs = 0;
  count = 0;

  /** Counts from now on. */
  restart(): void {
    this.#lastAt = performance.now();
    this.#gapMs = 0;
  }

  beat(): void {
    const now = performance.now();
    this.#gapMs = Math.max(this.#gapMs, now - this.#lastAt);
    this.#lastAt = now;
    this.count++;
  }

  /** What lasts counts, too. */
  get gapMs(): number {
    return Math.round(Math.max(this.#gapMs, performance.now() - this.#lastAt));
  }
}

/** The same client, with every acknowledgement felt. */
export function feltBy(pulse: Pulse, client: ChatClient): Pick<ChatClient, 'send'> {
  return {
    send: async (room, text, options) => {
      const message = await client.send(room, text, options);
      pulse.beat();
      return message;
    },
  };
}

/** Waits until this many more messages were acknowledged. */
export async function untilBeats(pulse: Pulse, more: number, withinMs: number): Promise<boolean> {
  const wanted = pulse.count + more;
  const deadline = performance.now() + withinMs;
  while (pulse.count < wanted && performance.now() < deadline) await sleep(10);
  return pulse.count >= wanted;
}
