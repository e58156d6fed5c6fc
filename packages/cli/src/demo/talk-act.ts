import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress } from '@grp/core';
import { none, within } from './promises.ts';
import type { Act, Stage } from './stage.ts';
import { Talker } from './talker.ts';

const group = 'tea';
const breaths = 20;
const linesPerBreath = 20;
const linesEach = breaths * linesPerBreath;
const breathMs = 20;
// By then some of its lines are read, some are on their way, and some are not said.
const lastBreath = 10;
const patienceMs = 30_000;

/** Act five: three messengers, total order, and one of them dies in the middle. */
export async function talkAct({ nodes, tell, signal }: Stage): Promise<Act> {
  tell.chapter('Three messengers talk peer to peer, in one order for all. One of them is killed in mid-sentence.');
  const home = nodes.at(-1) as (typeof nodes)[0];
  const tracker = formatAddress(new URL(home.http).hostname, home.ports['tracker'] as number);
  const [ann, bob, cid] = ['ann', 'bob', 'cid'].map((nick) => new Talker({ nick, group, tracker, signal })) as [
    Talker,
    Talker,
    Talker,
  ];
  const survivors = [ann, bob];
  try {
    for (const talker of [...survivors, cid]) await talker.until(() => talker.members === 3, patienceMs);
    let killedAt = 0;
    for (let breath = 0; breath < breaths; breath++) {
      for (const talker of [...survivors, cid]) talker.say(linesOf(talker.nick, breath));
      await sleep(breathMs, undefined, { signal });
      if (breath !== lastBreath) continue;
      killedAt = performance.now();
      cid.kill();
    }
    for (const talker of survivors)
      await talker.until(() => talker.members === 2 && isWhole(talker, survivors), patienceMs);
    const afterMs = performance.now() - killedAt;
    const exits = await Promise.all(survivors.map((talker) => talker.quit()));
    const ofCid = ann.transcript.length - survivors.length * linesEach;
    tell.line(`ann and bob have read the same ${ann.transcript.length} lines in the same order:`);
    tell.line(`all of each other’s, and of cid’s the same ${ofCid}, which were said in time to be agreed on.`);
    return {
      facts: [{ what: 'lines in the agreed order', measured: String(ann.transcript.length) }],
      promises: [
        none('places where two transcripts differ', differences(ann.transcript, bob.transcript)),
        within('all said and the dead one out', afterMs, 10_000),
        none(
          'messengers that did not end well',
          exits.filter((code) => code !== 0).map((code) => `exit code ${code}`),
        ),
      ],
    };
  } finally {
    for (const talker of [...survivors, cid]) talker.kill();
  }
}

function linesOf(nick: string, breath: number): readonly string[] {
  return Array.from({ length: linesPerBreath }, (_, index) => `${nick} ${breath * linesPerBreath + index + 1}`);
}

/** It has read everything that these have said. */
function isWhole({ transcript }: Talker, of: readonly Talker[]): boolean {
  return of.every(({ nick }) => transcript.filter((line) => line.startsWith(`${nick}: `)).length === linesEach);
}

function differences(one: readonly string[], other: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (let index = 0; index < Math.max(one.length, other.length); index++)
    if (one[index] !== other[index])
      found.push(`line ${index + 1}: ${one[index] ?? 'nothing'} / ${other[index] ?? 'nothing'}`);
  return found;
}
