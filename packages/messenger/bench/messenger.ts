// Client to client on loopback, beside ngircd: `npm run bench -- messenger [--messages N] [--clients N]`.
// First one message at a time between two clients; then one client to a whole group.
import { parseArgs } from 'node:util';
import { openIrc } from './irc.ts';
import { openMessengers, type Talkers } from './talkers.ts';

interface Figures {
  readonly name: string;
  readonly p50Us: number;
  readonly p95Us: number;
  readonly p99Us: number;
}

const warmUp = 200;

function figures(name: string, tookUs: readonly number[]): Figures {
  const sorted = tookUs.toSorted((one, other) => one - other);
  const at = (quantile: number): number => Math.round(sorted[Math.floor(sorted.length * quantile)] ?? Number.NaN);
  return { name, p50Us: at(0.5), p95Us: at(0.95), p99Us: at(0.99) };
}

/** From a send to the last of its readers, one message after the other. */
async function measure(talkers: Talkers, readers: number, messages: number): Promise<Figures> {
  let missing = 0;
  let done: () => void = () => {};
  for (let index = 1; index <= readers; index++) {
    talkers.onMessage(index, () => {
      missing--;
      if (missing === 0) done();
    });
  }
  const tookUs: number[] = [];
  for (let count = 0; count < messages + warmUp; count++) {
    const startedAt = performance.now();
    missing = readers;
    const read = new Promise<void>((resolve) => (done = resolve));
    talkers.send(
      0,
      `message ${count} of about a hundred bytes, as people write them when they talk to each other in groups`,
    );
    await read;
    if (count >= warmUp) tookUs.push((performance.now() - startedAt) * 1_000);
  }
  await talkers.close();
  return figures(talkers.name, tookUs);
}

async function compare(clients: number, messages: number): Promise<readonly Figures[]> {
  const results: Figures[] = [];
  for (const order of ['fifo', 'total'] as const)
    results.push(await measure(await openMessengers(clients, order), clients - 1, messages));
  const irc = await openIrc(clients);
  if (irc !== undefined) results.push(await measure(irc, clients - 1, messages));
  return results;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { messages: { type: 'string', default: '2000' }, clients: { type: 'string', default: '100' } },
  });
  const [messages, clients] = [Number(values.messages), Number(values.clients)];
  const pair = await compare(2, messages);
  const group = await compare(clients, Math.ceil(messages / 10));
  const ircUs = pair.find(({ name }) => name === 'ngircd')?.p50Us;
  const [fifo, total] = pair;
  const isMet = ircUs !== undefined && (fifo?.p50Us ?? Infinity) <= ircUs && (total?.p50Us ?? Infinity) <= 3 * ircUs;
  const verdict = ircUs === undefined ? 'ngircd is not installed: nothing to compare with' : isMet ? 'met' : 'not met';
  const report = { bench: 'messenger', node: process.version, messages, clients, pair, group, verdict };
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
}

await main();
