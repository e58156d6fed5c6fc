import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatClient } from '@grp/chat';
import { killNode, restartNode } from '../cluster/control.ts';
import { untilLed } from '../cluster/lists.ts';
import { chatClient, judge, write } from './chat-record.ts';
import { none, within } from './promises.ts';
import { secondsText, type Act, type Stage } from './stage.ts';

const room = 'general';
const writerCount = 4;
const phaseMs = 1_500;
const equalTimeoutMs = 10_000;

/** Act three: people talk while two of five servers die, the leader among them. */
export async function chatAct(stage: Stage): Promise<Act> {
  const { dir, nodes, tell, signal } = stage;
  const targets = nodes.map(({ id, http, roles }) => ({
    name: id,
    http,
    roles: roles.filter((role) => role === 'chat'),
  }));
  const leader = await untilLed(targets, { timeoutMs: 15_000, signal });
  const dead = [leader, ...nodes.map(({ id }) => id).filter((id) => id !== leader)].slice(0, 2);
  tell.chapter(
    `${writerCount} people write to the chat. Two of the five servers die: ${dead.join(', the leader, and ')}.`,
  );
  const clients = [await chatClient(dir)];
  const stop = new AbortController();
  signal.addEventListener('abort', () => stop.abort(), { once: true });
  try {
    const [ann] = clients as [ChatClient];
    await ann.register('ann', 'tea at five, please', { signal });
    const token = await ann.login('ann', 'tea at five, please', { signal });
    const writing = [];
    for (let index = 0; index < writerCount; index++) {
      const client = await chatClient(dir, token);
      clients.push(client);
      writing.push(write(client, room, `w${index}`, stop.signal));
    }
    await sleep(phaseMs, undefined, { signal });
    await Promise.all(dead.map((id) => killNode(dir, id)));
    await sleep(phaseMs, undefined, { signal });
    for (const id of dead) {
      tell.progress(`${id} starts again`);
      await restartNode(dir, id, { empty: false, timeoutMs: 30_000 });
    }
    stop.abort();
    const writers = await Promise.all(writing);
    const history = await ann.history(room, { signal });
    const differing = await differingCopies(stage, token);
    const acknowledged = writers.reduce((sum, one) => sum + one.acknowledged.length, 0);
    const waitMs = Math.max(...writers.map(({ gapMs }) => gapMs));
    tell.line(
      `${acknowledged} messages were acknowledged. Nobody saw an error; the longest wait was ${secondsText(waitMs)}.`,
    );
    tell.line(
      `The two are back and have caught up from their disks: five equal histories of ${history.length} messages.`,
    );
    return {
      facts: [{ what: 'chat messages acknowledged', measured: String(acknowledged) }],
      promises: [
        none('acknowledged chat messages lost or doubled', judge(history, writers)),
        none(
          'errors that a writer saw',
          writers.flatMap(({ failed }) => failed),
        ),
        within('longest wait of a writer', waitMs, 5_000),
        none('servers with another history', differing),
      ],
    };
  } finally {
    stop.abort();
    for (const client of clients) client.close();
  }
}

/** Servers whose own copy is not that of the first, once they had time to catch up. */
async function differingCopies({ dir, nodes, signal }: Stage, token: string): Promise<readonly string[]> {
  const deadline = performance.now() + equalTimeoutMs;
  for (;;) {
    const copies = await Promise.all(nodes.map(({ id }) => localCopy(dir, token, id)));
    const differing = nodes.map(({ id }) => id).filter((_, index) => copies[index] !== copies[0]);
    if (differing.length === 0 || performance.now() > deadline) return differing;
    await sleep(100, undefined, { signal });
  }
}

async function localCopy(dir: string, token: string, id: string): Promise<string> {
  const client = await chatClient(dir, token, [id]);
  try {
    return JSON.stringify(await client.history(room, { local: true, timeoutMs: 2_000 }));
  } catch (cause) {
    return `${id}: ${String(cause)}`; // it does not answer yet
  } finally {
    client.close();
  }
}
