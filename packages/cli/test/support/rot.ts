import { open, readdir, readFile, stat, truncate } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatClient } from '@grp/chat';
import { killNode, restartNode } from '../../src/cluster/control.ts';
import { nodeFiles } from '../../src/cluster/state.ts';
import { chatClient } from '../../src/demo/chat-record.ts';

/** Draws from 0 … bound-1. */
export interface Draw {
  (bound: number): number;
}

/** Numbers that follow from a seed (mulberry32). */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

const nearBytes = 4_096;

/** What was done to a file, in words. */
export interface Rotten {
  readonly file: string;
  readonly how: string;
}

/**
 * Damages one file of a folder tree: a flipped bit, or a cut. Every file may be hit, the lock and the notes beside the log
 * too; most bytes of a segment are zeros made ahead, so most of the hits are aimed at what was written.
 */
export async function rot(folder: string, draw: Draw): Promise<Rotten> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  const whole: { readonly path: string; readonly bytes: number }[] = [];
  for (const path of names) {
    const { size } = await stat(path);
    if (size > 0) whole.push({ path, bytes: size });
  }
  const target = whole[draw(whole.length)];
  if (target === undefined) throw new Error(`there is nothing to damage in ${folder}`);
  const { path, bytes } = target;
  const file = relative(folder, path);
  const at = await aim(path, bytes, draw);
  if (draw(3) === 0) {
    const to = draw(3) === 0 ? 0 : at;
    await truncate(path, to);
    return { file, how: `cut from ${bytes} to ${to} bytes` };
  }
  const bit = draw(8);
  await flip(path, at, bit);
  return { file, how: `bit ${bit} of byte ${at} flipped` };
}

/** Flips a bit in every place where a text is written; how many there were. */
export async function flipText(folder: string, text: string): Promise<number> {
  let count = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path);
    for (let at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + 1)) {
      await flip(path, at, 0);
      count++;
    }
  }
  return count;
}

/** A third anywhere, a third near the beginning, a third near the end of what was written: where the newest entries are. */
async function aim(path: string, bytes: number, draw: Draw): Promise<number> {
  const where = draw(3);
  if (where === 0) return draw(bytes);
  if (where === 1) return draw(Math.min(bytes, nearBytes));
  const content = await readFile(path);
  let end = content.length;
  while (end > 1 && content[end - 1] === 0) end--;
  return Math.max(0, end - 1 - draw(nearBytes));
}

async function flip(path: string, at: number, bit: number): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ (1 << bit);
    await handle.write(byte, 0, 1, at);
  } finally {
    await handle.close();
  }
}

export interface RotRound {
  readonly dir: string;
  /** All servers. */
  readonly ids: readonly string[];
  readonly victims: readonly string[];
  /** The others die as well: nobody is left who could lead when the victims come back. */
  readonly all: boolean;
  readonly draw: Draw;
}

/** Kills, damages one file of each victim, and starts again. Answers what was damaged, and what did not start. */
export async function rotRound({ dir, ids, victims, all, draw }: RotRound): Promise<{
  readonly rotten: readonly string[];
  readonly problems: readonly string[];
}> {
  const dead = all ? ids : victims;
  for (const id of dead) await killNode(dir, id);
  const rotten: string[] = [];
  for (const id of victims) {
    const { file, how } = await rot(nodeFiles(dir, id).data, draw);
    rotten.push(`${id}: ${file} ${how}`);
  }
  const problems: string[] = [];
  const start = async (id: string, index: number): Promise<void> => {
    await sleep(50 * index); // each claims the cluster's state for a moment
    await restartNode(dir, id, { empty: false, timeoutMs: 60_000 });
  };
  const starts = await Promise.allSettled(dead.map(start));
  for (const [index, outcome] of starts.entries())
    if (outcome.status === 'rejected') problems.push(`${dead[index]} did not come back: ${String(outcome.reason)}`);
  return { rotten, problems };
}

export interface UnequalOptions {
  readonly dir: string;
  readonly ids: readonly string[];
  readonly reader: ChatClient;
  readonly room: string;
  readonly withinMs: number;
  /** Nobody writes any more: a copy may not have more than the others either (default true). */
  readonly exact?: boolean;
}

/** Servers that do not have, within the time, all that a linearizable read of a room gives now. */
export async function unequal({
  dir,
  ids,
  reader,
  room,
  withinMs,
  exact = true,
}: UnequalOptions): Promise<readonly string[]> {
  const deadline = performance.now() + withinMs;
  const wanted = await reader.history(room, { timeoutMs: withinMs });
  const problems = await Promise.all(
    ids.map(async (id) => {
      const one = await chatClient(dir, reader.token, [id]);
      const count = await countOf(one, room, { atLeast: wanted.length, deadline });
      const copy = count < wanted.length ? [] : await one.history(room, { local: true });
      one.close();
      const compared = exact ? copy : copy.slice(0, wanted.length);
      if (count >= wanted.length && JSON.stringify(compared) === JSON.stringify(wanted)) return [];
      return [`${id} has another copy of ${room}: ${count} messages, wanted ${wanted.length}`];
    }),
  );
  return problems.flat();
}

/** How many messages of a room a server has itself, once it has enough of them or time is up. */
async function countOf(
  one: ChatClient,
  room: string,
  { atLeast, deadline }: { readonly atLeast: number; readonly deadline: number },
): Promise<number> {
  for (;;) {
    // It may not serve yet, or not know the session yet.
    const last = await one.history(room, { local: true, limit: 1, timeoutMs: 2_000 }).catch(() => []);
    const count = last.at(-1)?.sequence ?? 0;
    if (count >= atLeast || performance.now() > deadline) return count;
    await sleep(100);
  }
}
