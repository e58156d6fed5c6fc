// A log in a simulated world: one host, whose power can be cut.
import type { Disk } from '@grp/core';
import { createWorld, type Host, type World, type WorldOptions } from '@grp/sim';
import { inspectLog, openLog, type Entry, type Log, type LogConfig, type LogEvent } from '../src/index.ts';

/** Small segments, so that a few entries fill several. */
export const smallConfig: Partial<LogConfig> = {
  segmentBytes: 32_768,
  firstSegmentBytes: 16_384,
  entryBytesMax: 4_096,
  batchBytesMax: 4_096,
  queueBytesMax: 65_536,
};

export function oneHost(options: Partial<WorldOptions<Host>> = {}): World<Host> {
  return createWorld<Host>({ seed: 1, nodes: ['a'], start: (host) => host, ...options });
}

/** Awaits a promise while virtual time passes. */
export async function done<Result>(world: World<Host>, promise: Promise<Result>): Promise<Result> {
  let isOver = false;
  const end = (): void => void (isOver = true);
  promise.then(end, end);
  await world.runUntil(() => isOver, { withinMs: 600_000 });
  return promise;
}

export function open(world: World<Host>, config = smallConfig, disk?: Disk): Promise<Log> {
  const host = world.host('a');
  return done(world, openLog({ disk: disk ?? host.disk, clock: host.clock, logger: host.logger, config }));
}

export function inspect(world: World<Host>): ReturnType<typeof inspectLog> {
  return done(world, inspectLog({ disk: world.host('a').disk }));
}

export function eventsOf(log: Log): LogEvent[] {
  const events: LogEvent[] = [];
  log.on((event) => events.push(event));
  return events;
}

/** Runs until everything appended so far is durable. */
export async function durable(world: World<Host>, log: Log, ticket: number): Promise<void> {
  let reached = 0;
  const cancel = log.on((event) => {
    if (event.type === 'durable') reached = event.ticket;
    if (event.type === 'failed') reached = Infinity;
  });
  await world.runUntil(() => reached >= ticket, { withinMs: 600_000 });
  cancel();
}

/** A payload that says what it is, of a length that depends on it. */
export function entry(index: number, term = 1, length = 20 + (index % 7) * 13): Entry {
  const payload = new Uint8Array(length);
  for (let at = 0; at < length; at++) payload[at] = (index * 31 + term * 7 + at) & 255;
  return { index, term, payload };
}

export function entries(from: number, to: number, term = 1): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, at) => entry(from + at, term));
}

/** All entries that can be read, by index; damaged ones are left out. */
export async function readAll(
  world: World<Host>,
  { entries: held }: Pick<Log, 'entries'>,
): Promise<ReadonlyMap<number, Entry>> {
  const found = new Map<number, Entry>();
  for (let index = held.firstIndex; index <= held.lastIndex;) {
    const read = await done(world, held.read(index, held.lastIndex, 100_000)).catch(() => []);
    for (const item of read) found.set(item.index, item);
    index += Math.max(1, read.length);
  }
  return found;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (content: Uint8Array | undefined): string | undefined =>
  content === undefined ? undefined : new TextDecoder().decode(content);
