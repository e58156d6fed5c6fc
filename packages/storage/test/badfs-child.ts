// Appends to a log on a real disk until it is done or fails, and says what is durable: node badfs-child.ts FOLDER COUNT
import { systemClock } from '@grp/core';
import { openLog } from '../src/index.ts';
import { nodeDisk } from '../src/node/index.ts';
import { entry } from './world.ts';

const [folder = '', count = '0'] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
try {
  const log = await openLog({
    disk: nodeDisk(folder),
    clock: systemClock(),
    config: { segmentBytes: 262_144, firstSegmentBytes: 65_536, entryBytesMax: 4_096, batchBytesMax: 16_384 },
  });
  say(`opened ${log.recovered.lastIndex} ${JSON.stringify(log.recovered.damage ?? null)}`);
  const last = log.recovered.lastIndex + Number(count);
  const next = (): void => {
    const { lastIndex } = log.entries;
    if (lastIndex >= last) void log.close().then(() => say('closed'));
    else log.append([entry(lastIndex + 1), entry(lastIndex + 2)], new TextEncoder().encode(`at ${lastIndex}`));
  };
  let giveUp: ReturnType<typeof setTimeout> | undefined;
  log.on((event) => {
    if (event.type === 'durable') say(`durable ${log.entries.lastIndex}`);
    else say(event.type);
    if (event.type === 'failed') process.exit(3);
    // Long enough to see that nothing is acknowledged any more.
    if (event.type === 'full') giveUp = setTimeout(() => process.exit(5), 2_500);
    if (event.type === 'room') clearTimeout(giveUp);
    if (event.type === 'durable') setImmediate(next);
  });
  next();
} catch (cause) {
  say(`refused ${(cause as { code?: string }).code ?? String(cause)}`);
  process.exit(4);
}
