import type { JSX } from 'preact';
import { differenceOf, outcomeRows, type Outcome } from '../../src/lab/compare.ts';
import { momentAt } from '../../src/lab/moment.ts';
import type { LabRequest } from '../../src/lab/catalogue.ts';
import { plural } from '../../src/words.ts';
import type { LabStore, Shown } from './store.ts';

/** A run by its level, seed and plan. */
export function requestText({ level, seed, plan }: LabRequest, isOwn: boolean): string {
  const steps = plan === undefined ? '' : isOwn ? ', own plan' : `, ${plural(plan.steps.length, 'step')}`;
  return `${level}, seed ${seed}${steps}`;
}

interface CompareProps {
  readonly store: LabStore;
  /** The run that was kept. */
  readonly kept: Shown;
  readonly shown: Shown;
}

/** Where two runs part, and what came of each. */
export function ComparePanel({ store, kept, shown }: CompareProps): JSX.Element {
  const { at, sentence } = differenceOf(kept.diagram, shown.diagram);
  const rows = outcomeRows(outcomeOf(kept), outcomeOf(shown));
  const different = rows.filter(({ differs }) => differs);
  return (
    <section class="panel compare" aria-labelledby="compare-title">
      <header>
        <h2 id="compare-title">Compared</h2>
        <span class="note">
          {different.length === 0
            ? 'both come to the same'
            : `${plural(different.length, 'difference')} in what came of it`}
        </span>
        {at !== undefined && (
          <button class="end" onClick={() => (store.at.value = at)}>
            Go to where they part
          </button>
        )}
      </header>
      <p class={`sentence ${at === undefined ? 'well' : ''}`}>{sentence}</p>
      {different.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-labelledby="compare-title">
          <table>
            <thead>
              <tr>
                <th scope="col">at the end</th>
                <th scope="col">kept, above</th>
                <th scope="col">here</th>
              </tr>
            </thead>
            <tbody>
              {different.map(({ what, values }) => (
                <tr key={what}>
                  <th scope="row" class="fact">
                    {what}
                  </th>
                  {values.map((value, index) => (
                    <td key={index} class="mono wrap">
                      {value}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function outcomeOf({ result, timeline, diagram }: Shown): Outcome {
  const shows = momentAt(timeline, diagram.endsAt).workers.flatMap(({ node, colour, count, state }) =>
    count === 0 ? [] : [{ what: `${node} shows`, value: `${colour} after ${plural(count, 'change')}, ${state}` }],
  );
  const messages = { what: 'messages sent', value: String(diagram.messages.length) };
  return {
    broken: [...new Set(result.violations.map(({ checker }) => checker))],
    facts: [...shows, ...result.facts, messages],
  };
}
