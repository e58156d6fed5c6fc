// What a durable append costs beside the bare disk, in one run: npm run bench -- wal [--seconds 2] [--json]
import fs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '@grp/core';
import { openLog, type Entry, type Log } from '../src/index.ts';
import { nodeDisk } from '../src/node/index.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
  },
});
const secondsEach = Number(values.seconds);
const folder = mkdtempSync(join(values.dir, 'grp-bench-wal-'));
const clock = systemClock();
const batchSizes = [1, 16, 64, 256];
const payloadBytes = 256;
const frameBytes = 40 + payloadBytes;

/** One way to make a batch durable: does so, and calls back. */
interface Contender {
  readonly name: string;
  readonly batch: number;
  readonly run: (done: () => void) => void;
  readonly latenciesUs: number[];
  cpuUs: number;
}

function fileOf(name: string, sizeBytes: number): number {
  const descriptor = fs.openSync(join(folder, name), 'w+');
  const zeros = new Uint8Array(1_048_576);
  for (let at = 0; at < sizeBytes; at += zeros.length) fs.writeSync(descriptor, zeros, 0, zeros.length, at);
  fs.fsyncSync(descriptor);
  return descriptor;
}

const fileBytes = 33_554_432;

/** The disk itself: one write and one fdatasync of as many bytes, without any format. */
function bare(name: string, batch: number, how: 'inline' | 'background' | 'promises' | 'growing'): Contender {
  const descriptor = fileOf(`${how}-${batch}`, how === 'growing' ? 0 : fileBytes);
  const bytes = new Uint8Array(batch * frameBytes).fill(7);
  const handle = how === 'promises' ? fs.promises.open(join(folder, `${how}-${batch}`), 'r+') : undefined;
  let offset = 0;
  return {
    ...{ name, batch, latenciesUs: [], cpuUs: 0 },
    run(done) {
      if (how !== 'growing' && offset + bytes.length > fileBytes) offset = 0;
      const at = offset;
      offset += bytes.length;
      if (handle !== undefined) {
        void handle.then(async (file) => {
          await file.write(bytes, 0, bytes.length, at);
          await file.datasync();
          done();
        });
        return;
      }
      fs.writeSync(descriptor, bytes, 0, bytes.length, at);
      if (how === 'background') fs.fdatasync(descriptor, () => done());
      else {
        fs.fdatasyncSync(descriptor);
        done();
      }
    },
  };
}

async function ours(name: string, batch: number, sync: 'inline' | 'background'): Promise<Contender & { log: Log }> {
  const disk = nodeDisk(join(folder, `log-${sync}-${batch}`), { sync });
  const log = await openLog({ disk, clock });
  let heard: () => void = () => {};
  log.on((event) => {
    if (event.type === 'durable') heard();
    else if (event.type === 'failed') throw event.error;
  });
  const payload = new Uint8Array(payloadBytes).fill(7);
  return {
    ...{ name, batch, log, latenciesUs: [], cpuUs: 0 },
    run(done) {
      const { lastIndex } = log.entries;
      const entries: Entry[] = [];
      for (let at = 1; at <= batch; at++) entries.push({ index: lastIndex + at, term: 1, payload });
      heard = done;
      try {
        log.append(entries);
      } catch {
        // The next segment is not filled with zeros yet, because this bench does nothing but append.
        const cancel = log.on((event) => {
          if (event.type !== 'room') return;
          cancel();
          log.append(entries);
        });
      }
    },
  };
}

function turn(contender: Contender, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const end = clock.now() + milliseconds;
    const cpu = process.cpuUsage();
    const next = (): void => {
      const from = process.hrtime.bigint();
      contender.run(() => {
        contender.latenciesUs.push(Number(process.hrtime.bigint() - from) / 1_000);
        if (clock.now() < end) setImmediate(next);
        else {
          const { user, system } = process.cpuUsage(cpu);
          contender.cpuUs += user + system;
          resolve();
        }
      });
    };
    next();
  });
}

function report({ name, batch, latenciesUs, cpuUs }: Contender): Record<string, string | number> {
  const sorted = latenciesUs.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
  const meanUs = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return {
    name,
    batch,
    commitsPerSecond: Math.round(1e6 / meanUs),
    entriesPerSecond: Math.round((1e6 / meanUs) * batch),
    p50Us: at(0.5),
    p99Us: at(0.99),
    cpuUsPerCommit: Math.round(cpuUs / sorted.length),
  };
}

const rows: Record<string, string | number>[] = [];
for (const batch of batchSizes) {
  const contenders: Contender[] = [
    bare('bare, inline', batch, 'inline'),
    await ours('log, inline', batch, 'inline'),
    bare('bare, background', batch, 'background'),
    await ours('log, background', batch, 'background'),
    bare('bare, fs.promises', batch, 'promises'),
    bare('bare, inline, growing file', batch, 'growing'),
  ];
  // What was made ahead must not disturb the first turns.
  await new Promise((resolve) => setTimeout(resolve, 500));
  // In turns, so that what else the machine does hits all of them.
  const turns = 10;
  for (let count = 0; count < turns; count++)
    for (const contender of contenders) await turn(contender, (secondsEach * 1_000) / turns);
  rows.push(...contenders.map((contender) => report(contender)));
  for (const contender of contenders) if ('log' in contender) await (contender.log as Log).close();
}
rmSync(folder, { recursive: true, force: true });
if (values.json) console.log(JSON.stringify({ schema: 'grp.bench.wal/1', payloadBytes, secondsEach, rows }));
else console.table(rows);
