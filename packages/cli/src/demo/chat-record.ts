import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChatClient, parseClusterFile } from '@grp/chat';

/** A client of all servers of a local cluster, or of some. */
export async function chatClient(dir: string, token?: string, ids?: readonly string[]): Promise<ChatClient> {
  const all = parseClusterFile(await readFile(join(dir, 'cluster_config.json'), 'utf8'));
  const servers = ids === undefined ? all : all.filter(({ id }) => ids.includes(id));
  return new ChatClient({ servers: servers.map(({ client }) => client), token });
}

/** What one client wrote, and what became of it. */
export interface Written {
  readonly acknowledged: { readonly text: string; readonly sequence: number }[];
  readonly failed: string[];
  /** The longest time without an answer, in ms. */
  gapMs: number;
}

/** Sends message after message until `signal`, and keeps what was acknowledged. */
export async function write(
  client: Pick<ChatClient, 'send'>,
  room: string,
  name: string,
  signal: AbortSignal,
  { pauseMs = 0 }: { readonly pauseMs?: number } = {},
): Promise<Written> {
  const written: Written = { acknowledged: [], failed: [], gapMs: 0 };
  for (let number = 1; !signal.aborted; number++) {
    const text = `${name} ${number}`;
    const began = performance.now();
    try {
      const { sequence } = await client.send(room, text);
      written.acknowledged.push({ text, sequence });
    } catch (cause) {
      written.failed.push(`${text}: ${String(cause)}`);
    }
    written.gapMs = Math.max(written.gapMs, performance.now() - began);
    if (pauseMs > 0) await sleep(pauseMs);
  }
  return written;
}

/** What is wrong with a history, seen by those who wrote it: nothing acknowledged may be missing, moved or doubled. */
export function judge(
  history: readonly { readonly text: string; readonly sequence: number }[],
  writers: readonly Written[],
): readonly string[] {
  const problems: string[] = [];
  const places = new Map<string, number>();
  for (const [index, { text, sequence }] of history.entries()) {
    if (sequence !== index + 1) problems.push(`${text} has sequence ${sequence} at place ${index + 1}`);
    if (places.has(text)) problems.push(`${text} is there twice`);
    places.set(text, sequence);
  }
  for (const { text, sequence } of writers.flatMap(({ acknowledged }) => acknowledged))
    if (places.get(text) !== sequence) problems.push(`${text} was acknowledged as ${sequence}: ${places.get(text)}`);
  return problems;
}
