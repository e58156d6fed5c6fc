// Client to client on loopback, beside ngircd: `npm run bench -- messenger [--messages N] [--clients N]`.
// First one message at a time between two processes; then one client to a whole group, all in one process.
import { parseArgs } from 'node:util';
import { figures, type Figures } from './figures.ts';
import { openIrc } from './irc.ts';
import { measurePairs } from './pairs.ts';
import { openMessengers, type Talkers } from './talkers.ts';

// Sockets of their own for those who are sent much, and the compiler, come first.
const warmUp = 100;
/** A client that is slower than this has lost a message: a figure would be a lie. */
const patienceMs = 120_000;

interface GroupFigures {
  /** Until half of the readers have it, and until all have. */
  readonly half: Figures;
  readonly all: Figures;
}

/** From a send to its readers, one message after the other. */
async function fanOut(talkers: Talkers, readers: number, messages: number): Promise<GroupFigures> {
  let missing = 0;
  let onRead: () => void = () => {};
  for (let index = 1; index <= readers; index++) {
    talkers.onMessage(index, () => {
      missing--;
      onRead();
    });
  }
  const [halfUs, allUs]: [number[], number[]] = [[], []];
  for (let count = 0; count < messages + warmUp; count++) {
    const startedAt = performance.now();
    const tookUs = (): number => (performance.now() - startedAt) * 1_000;
    missing = readers;
    const read = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${missing} readers of ${talkers.name} wait`)), patienceMs);
      onRead = () => {
        if (missing === Math.floor(readers / 2) && count >= warmUp) halfUs.push(tookUs());
        if (missing > 0) return;
        if (count >= warmUp) allUs.push(tookUs());
        clearTimeout(timer);
        resolve();
      };
    });
    talkers.send(0, `message ${count} of about a hundred bytes, as people write them when they talk to each other`);
    await read;
  }
  await talkers.close();
  return { half: figures(talkers.name, halfUs), all: figures(talkers.name, allUs) };
}

async function measureGroups(clients: number, messages: number): Promise<readonly GroupFigures[]> {
  const results: GroupFigures[] = [];
  for (const order of ['fifo', 'total'] as const) {
    results.push(await fanOut(await openMessengers(clients, order), clients - 1, messages));
    process.stderr.write(`${order}: a group of ${clients} is done\n`);
  }
  const irc = await openIrc(clients);
  if (irc !== undefined) results.push(await fanOut(irc, clients - 1, messages));
  return results;
}

function judge(pairs: readonly Figures[]): { readonly fifo: string; readonly total: string } {
  const p50 = (wanted: string): number => pairs.find(({ name }) => name === wanted)?.p50Us ?? Number.NaN;
  const irc = p50('ngircd');
  if (Number.isNaN(irc)) return { fifo: 'ngircd is not installed', total: 'ngircd is not installed' };
  const verdict = (us: number, max: number): string =>
    `${us <= max * irc ? 'met' : 'not met'}: ${(us / irc).toFixed(2)} times ngircd's p50, at most ${max}`;
  return { fifo: verdict(p50('fifo'), 1), total: verdict(p50('total'), 3) };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { messages: { type: 'string', default: '4000' }, clients: { type: 'string', default: '100' } },
  });
  const [messages, clients] = [Number(values.messages), Number(values.clients)];
  const pairs = await measurePairs(messages);
  process.stderr.write('pairs are done\n');
  const group = await measureGroups(clients, Math.ceil(messages / 20));
  const report = { bench: 'messenger', node: process.version, messages, clients, pairs, group, verdict: judge(pairs) };
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
}

await main();
