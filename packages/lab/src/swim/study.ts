import type { SwimConfig } from '@grp/swim';
import type { LabStudy, StudyReport } from '../studies.ts';
import { factOf } from '../study-fact.ts';
import { WatchedSwim } from './watch.ts';

const nodeCount = 5;
const stallMs = 1_500;
/** A verdict at once: SWIM as it is before §4.2 of its paper. */
const noSuspicion: Partial<SwimConfig> = {
  suspicionMinMs: 20,
  refusedSuspicionMinMs: 10,
  suspicionMaxFactor: 1,
  confirmationCount: 0,
};

/** A process stands still for a moment, and another one dies: what is the difference worth? */
export const suspicionStudy: LabStudy = {
  name: 'suspicion',
  question:
    'n3 stands still for 1.5 s, as a collector or a busy disk makes it, and goes on; later n5 loses its power. A detector that believes the first missed answer is faster. What does that cost?',
  explanation:
    'Without suspicion n3 is declared down by all, though it lives: whoever relied on the list has failed over for nothing, and n3 must come back. With suspicion the accusation is only a rumour for a while; n3 hears it as soon as it goes on and refutes it with a greater incarnation. The price is paid by the real crash: n5 stays in the lists for about a second longer.',
  guess: {
    question: 'How many of the four others declare n3 down, which only stood still?',
    options: ['nobody', 'one to three', 'all four'],
    answer: (report) => {
      const count = Number(factOf(report, 'lists that declared n3 down'));
      return count === 0 ? 0 : count < 4 ? 1 : 2;
    },
  },
  seed: 4,
  variant: 'suspicion',
  variants: {
    suspicion: 'a missed probe is a suspicion, which its victim may refute',
    none: 'a missed probe is a verdict',
  },
  expect: { suspicion: [], none: ['accuracy'] },
  hidden: ['ack', 'nack', 'alive', 'ping', 'compound', 'other'],
  run,
};

function run(variant: string, seed: number): StudyReport {
  const swim = new WatchedSwim({ seed, nodeCount, ...(variant === 'none' && { config: noSuspicion }) });
  const { world, tap, verdicts } = swim;
  swim.converge(30_000);
  world.runFor(5_000); // until round trips have been measured
  verdicts.length = 0;
  const startsAt = world.now;
  tap.trouble(`n3 stands still for ${stallMs} ms`);
  world.pause('n3');
  world.runFor(stallMs);
  tap.trouble('n3 goes on');
  world.resume('n3');
  world.runFor(6_000);
  const wrong = verdicts.filter(({ type, isRunning }) => type === 'down' && isRunning);
  const diedAt = world.now;
  swim.crash('n5');
  world.runFor(12_000);
  const right = verdicts.filter(({ at, type, name }) => type === 'down' && name === 'n5' && at >= diedAt);
  const after = (index: number): string =>
    right.length === nodeCount - 1 ? `${Math.round((right.at(index)?.at ?? 0) - diedAt)} ms` : 'never';
  return {
    variant,
    seed,
    traceHash: world.traceHash(),
    violations: wrong.map(({ at, observer, name }) => ({
      checker: 'accuracy',
      message: `${observer} declared ${name} down, which lives`,
      at: at - startsAt,
      node: observer,
    })),
    facts: [
      { what: 'lists that suspected n3', value: String(distinct(verdicts, 'suspect')) },
      { what: 'lists that declared n3 down', value: String(distinct(verdicts, 'down')) },
      { what: 'first list without n5, after its crash', value: after(0) },
      { what: 'all lists without n5', value: after(-1) },
    ],
    trace: tap.trace(`suspicion, ${variant}, seed ${seed}`, startsAt),
  };
}

function distinct(verdicts: WatchedSwim['verdicts'], type: string): number {
  return new Set(verdicts.filter((one) => one.name === 'n3' && one.type === type).map(({ observer }) => observer)).size;
}
