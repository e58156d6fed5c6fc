import { setTimeout as sleep } from 'node:timers/promises';
import { NodeClient } from '../client/http-client.ts';
import { restartNode } from '../cluster/control.ts';
import type { ViewDocument } from '../gms/views.ts';
import { follow, GroupRecord, multicastAlways, settledMarks, type SenderCount } from './group-record.ts';
import { none, spreadOf, within, type Spread } from './promises.ts';
import { nodeNamed, secondsText, type Act, type Stage } from './stage.ts';

const calmMs = 1_500;
const afterwardsMs = 1_500;
const seenTimeoutMs = 15_000;
const settleTimeoutMs = 10_000;
// In the middle of a fan-out: some members have the multicast, others have not.
const sendsBeforeCrash = 7;
const coloursShown = 24;

/** Act two: everybody multicasts, the colours change in step, and the leader dies in the middle of a multicast. */
export async function groupAct(stage: Stage): Promise<Act> {
  const { nodes, tell, signal } = stage;
  tell.chapter('Every node multicasts. A worker on each node changes its colour with each message it delivers.');
  const leader = (await viewAt(nodes[0] as (typeof nodes)[0])).view?.members[0]?.name ?? 'n1';
  const record = new GroupRecord();
  const [listening, sending] = [new AbortController(), new AbortController()];
  const stop = (): void => {
    sending.abort();
    listening.abort();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const followers = nodes.map(({ id, http }) => follow(record, id, http, listening.signal));
    const senders = nodes.map(({ id, http }) =>
      multicastAlways(record, { node: id, http, pauseMs: 5 }, sending.signal),
    );
    await sleep(calmMs, undefined, { signal });
    showColours(stage, record);
    const { crash, gapMs } = await crashLeader(stage, { leader, record });
    sending.abort();
    const counts = await Promise.all(senders);
    const differing = await bringBack(stage, leader);
    listening.abort();
    await Promise.all(followers);
    record.conclude();
    const { places } = record.counts;
    const acknowledged = counts.reduce((sum, count: SenderCount) => sum + count.acknowledged, 0);
    tell.line(
      `${places} multicasts, ${acknowledged} of them acknowledged to their senders: one order at all five nodes,`,
    );
    tell.line(`none lost, none doubled, and the leader that came back has the state of the others.`);
    return {
      facts: [
        { what: 'multicasts delivered by every node', measured: String(places) },
        { what: 'longest pause around the leader’s death', measured: secondsText(gapMs) },
      ],
      promises: [
        none('multicasts lost or doubled', record.problems),
        none('nodes with another order', differing),
        within('delivery goes on after the leader’s death', gapMs, 3_000),
        within('crash noticed by the first list', crash.firstMs, 5_000),
        within('crash noticed by the last list', crash.lastMs, 6_000),
        none('healthy members declared down', falselyDown(stage, leader)),
      ],
    };
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
  }
}

function showColours({ nodes, tell }: Stage, record: GroupRecord): void {
  const ids = nodes.map(({ id }) => id);
  const rows = record.commonColours(ids, coloursShown);
  tell.line(`The last ${coloursShown} colours of each:`);
  tell.colours(ids.map((node, index) => ({ node, colours: rows[index] ?? [] })));
}

async function crashLeader(
  { nodes, observers, tell, signal }: Stage,
  { leader, record }: { readonly leader: string; readonly record: GroupRecord },
): Promise<{ readonly crash: Spread; readonly gapMs: number }> {
  const watchers = nodes.filter(({ id }) => id !== leader).map(({ id }) => id);
  tell.chapter(
    `The leader, ${leader}, dies in the middle of a multicast: after ${sendsBeforeCrash} more datagrams, without a word.`,
  );
  const killedAt = performance.now();
  await NodeClient.local(nodeNamed(nodes, leader).http, 5_000).post('/v1/gms/kill', { afterSends: sendsBeforeCrash });
  const arrivals = await observers.seen({
    observers: watchers,
    since: killedAt,
    timeoutMs: seenTimeoutMs,
    matches: ({ type, member }) => type === 'down' && member?.name === leader,
  });
  signal.throwIfAborted();
  const crash = spreadOf(arrivals.values(), killedAt, watchers.length);
  const heir = await nextLeader(nodeNamed(nodes, watchers[0] as string), leader, signal);
  await sleep(afterwardsMs, undefined, { signal });
  const gapMs = record.longestGapMs(killedAt);
  tell.line(`${secondsText(gapMs)} without a delivery, then ${heir} leads and finishes what ${leader} had begun.`);
  tell.line(
    `All lists have ${leader} as down ${crash.lastMs === null ? 'never' : `after ${secondsText(crash.lastMs)}`}.`,
  );
  return { crash, gapMs };
}

/** The leader comes back as a new life with the state of the others. Answers the nodes that differ. */
async function bringBack({ dir, nodes, tell }: Stage, leader: string): Promise<readonly string[]> {
  tell.progress(`${leader} starts again`);
  await restartNode(dir, leader, { empty: false, timeoutMs: 30_000 });
  const marks = await settledMarks(nodes, settleTimeoutMs);
  const expected = marks.find(({ mark }) => mark !== '')?.mark;
  return marks.filter(({ mark }) => mark !== expected).map(({ id, status }) => `${id} (${status})`);
}

// The leader's old life is rightly down.
function falselyDown({ observers }: Stage, leader: string): readonly string[] {
  return observers
    .all()
    .filter(({ event }) => event.type === 'down' && event.member !== undefined && event.member.name !== leader)
    .map(({ observer, event }) => `${observer}: ${event.member?.name ?? '?'}`);
}

/** Who leads when the dead one does not any more. */
async function nextLeader(at: { readonly http: string }, dead: string, signal: AbortSignal): Promise<string> {
  const deadline = performance.now() + seenTimeoutMs;
  for (;;) {
    const heir = (await viewAt(at)).view?.members[0]?.name;
    if (heir !== undefined && heir !== dead) return heir;
    if (performance.now() > deadline) return 'nobody';
    await sleep(20, undefined, { signal });
  }
}

async function viewAt({ http }: { readonly http: string }): Promise<ViewDocument> {
  return NodeClient.local(http, 5_000).get<ViewDocument>('/v1/gms/view');
}
