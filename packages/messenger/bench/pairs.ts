// Two clients of each system, every client in a process of its own, as people run them.
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createTracker } from '@grp/tracker';
import { nodeCrypto } from '@grp/tracker/node';
import { openNetwork } from '@grp/transport-udp';
import { figures, type Figures } from './figures.ts';
import { startIrcServer } from './irc.ts';
import type { TalkerPlan } from './talker-process.ts';

type System = TalkerPlan['system'];

interface Pair {
  readonly system: System;
  readonly children: readonly ChildProcess[];
}

const blockMessages = 100;

/**
 * From one client to the other: half of the time from a question to its answer. The systems take turns, a hundred
 * questions each, so that whatever else the machine does falls on all of them.
 */
export async function measurePairs(messages: number): Promise<readonly Figures[]> {
  const network = await openNetwork({ bind: '127.0.0.1:0' });
  const tracker = createTracker({ streams: network.streams, crypto: nodeCrypto() });
  await tracker.start();
  const irc = await startIrcServer();
  const pairs: Pair[] = [];
  try {
    for (const order of ['fifo', 'total'] as const) pairs.push(await openPair(order, network.self));
    if (irc !== undefined) pairs.push(await openPair('ngircd', `${irc.port}`));
    for (const pair of pairs) await ask(pair, 100 * blockMessages); // the compiler warms up
    const tookUs = new Map<System, number[]>(pairs.map(({ system }) => [system, []]));
    for (let block = 0; block < messages / blockMessages; block++)
      for (const pair of pairs) tookUs.get(pair.system)?.push(...(await ask(pair, blockMessages)));
    return [...tookUs].map(([system, all]) =>
      figures(
        system,
        all.map((us) => us / 2),
      ),
    );
  } finally {
    for (const { children } of pairs) for (const child of children) child.send({ type: 'end' });
    await Promise.all(pairs.flatMap(({ children }) => children.map(ended)));
    irc?.close();
    await tracker.stop();
    await network.close();
  }
}

async function openPair(system: System, server: string): Promise<Pair> {
  const script = fileURLToPath(new URL('./talker-process.ts', import.meta.url));
  // A group has one order, and a tracker one user of a name.
  const children = ['asks', 'answers'].map((role) => {
    const plan: TalkerPlan = { system, nick: `${system[0]}${role}`, server };
    return fork(script, [JSON.stringify(plan)], { execArgv: process.execArgv });
  });
  await Promise.all(children.map((child) => answer(child, 'ready')));
  return { system, children };
}

async function ask({ children }: Pair, count: number): Promise<readonly number[]> {
  const [child] = children;
  if (child === undefined) return [];
  const asked = answer<{ readonly tookUs: readonly number[] }>(child, 'asked');
  child.send({ type: 'ask', count });
  return (await asked).tookUs;
}

function answer<Message = object>(child: ChildProcess, type: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    const fail = (code: number | null): void => reject(new Error(`a client ended with code ${code}`));
    const listen = (message: unknown): void => {
      if ((message as { type?: string }).type !== type) return;
      child.off('message', listen);
      child.off('exit', fail);
      resolve(message as Message);
    };
    child.on('message', listen);
    child.once('exit', fail);
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => child.kill('SIGKILL'), 1_000);
    const end = (): void => {
      clearTimeout(force);
      resolve();
    };
    if (child.exitCode !== null || child.signalCode !== null) end();
    else child.once('exit', end);
  });
}
