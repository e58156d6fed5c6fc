import type { JSX } from 'preact';
import { checksAt } from '../../src/lab/checks.ts';
import { momentAt, type WorkerAt } from '../../src/lab/moment.ts';
import { atPlace, type Orders } from '../../src/lab/orders.ts';
import { listText, plural } from '../../src/words.ts';
import { Crown, Verdict } from '../icons.tsx';
import type { LabStore, Shown } from './store.ts';

export interface PanelProps {
  readonly store: LabStore;
  readonly shown: Shown;
}

/** Every worker's colour at the cursor. */
export function WallPanel({ store, shown }: PanelProps): JSX.Element {
  const { workers, isEqual, behind } = momentAt(shown.timeline, store.at.value);
  return (
    <section class="panel" aria-labelledby="wall-title">
      <header>
        <h2 id="wall-title">Wall of colours</h2>
        <span class="end lamp">
          <Verdict kind={isEqual ? (behind === 0 ? 'well' : 'ahead') : 'broken'} />
          {isEqual ? (behind === 0 ? 'all the same' : `same so far, ${plural(behind, 'change')} apart`) : 'they differ'}
        </span>
      </header>
      <ul class="wall">
        {workers.map((worker) => (
          <li key={worker.node} data-state={worker.state}>
            <div class="paint" style={{ background: worker.colour }}>
              {worker.leads && <Crown label="leads" />}
            </div>
            <div class="words">
              <b>
                <span>{worker.node}</span> <span class="mono">#{worker.count}</span>
              </b>
              <span class="mono">{worker.colour}</span>
              <span>{stateWords(worker)}</span>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function stateWords({ state, view, waiting }: WorkerAt): string {
  if (state !== 'running') return state;
  return waiting > 0 ? `view ${view ?? '–'}, ${waiting} held back` : `view ${view ?? '–'}`;
}

const placesShown = 9;

/** The rows of deliveries side by side, and where they part. */
export function OrdersPanel({ store, shown: { orders, result, diagram } }: PanelProps): JSX.Element {
  const { divergence } = result;
  const at = store.at.value;
  const parts = divergence?.position ?? orders.divergesAt;
  return (
    <section class="panel" aria-labelledby="orders-title">
      <header>
        <h2 id="orders-title">Orders of delivery</h2>
        <span class="note">{plural(orders.length, 'place')}</span>
      </header>
      <p class={`sentence ${parts === undefined && orders.lastWords === undefined ? 'well' : ''}`}>
        {divergence?.sentence ?? sentenceOf(orders, parts)}
      </p>
      <div class="orders" tabIndex={0} role="region" aria-labelledby="orders-title">
        <table>
          <thead>
            <tr>
              <th scope="col">place</th>
              {diagram.lanes.map((lane) => (
                <th key={lane} scope="col">
                  {lane}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {placesOf(orders, at, parts).map((place) => (
              <tr key={place} class={place === parts ? 'parts' : ''}>
                <th scope="row">{place}</th>
                {orders.rows.map((row) => {
                  const cell = atPlace(row, place);
                  const isLater = cell !== undefined && cell.at > at;
                  return (
                    <td key={row.node} class={isLater ? 'later' : ''}>
                      {cell === undefined
                        ? place <= row.base
                          ? '(state)'
                          : '–'
                        : isLater
                          ? `(${cell.label})`
                          : cell.label}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="key">In brackets: not yet delivered at the cursor.</p>
    </section>
  );
}

/** Where rows part, in words, where the run itself gives no reason. */
function sentenceOf({ rows, lastWords }: Orders, parts: number | undefined): string {
  if (parts === undefined) {
    const same = 'All that live have delivered the same, in the same order';
    if (lastWords === undefined) return `${same}.`;
    const { node, place, label } = lastWords;
    return `${same}. But ${node}, which died, had delivered ${label} at place ${place}, and they have something else there.`;
  }
  const said = rows.flatMap((row) => {
    const label = atPlace(row, parts)?.label;
    return label === undefined ? [] : [`${row.node} delivered ${label}`];
  });
  return `At place ${parts} the orders part: ${listText(said)}.`;
}

/** What a study measured. */
export function FactsPanel({ shown: { result } }: Pick<PanelProps, 'shown'>): JSX.Element | null {
  if (result.facts.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="facts-title">
      <header>
        <h2 id="facts-title">What came out</h2>
      </header>
      <table>
        <tbody>
          {result.facts.map(({ what, value }) => (
            <tr key={what}>
              <th scope="row" class="fact">
                {what}
              </th>
              <td class="mono fact">{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The places around what is delivered at the cursor, and the one where rows part. */
function placesOf({ rows, length }: Orders, at: number, parts: number | undefined): readonly number[] {
  const reached = Math.max(
    0,
    ...rows.map(({ base, deliveries }) => base + deliveries.filter((one) => one.at <= at).length),
  );
  const last = Math.min(length, Math.max(placesShown, reached + 3));
  const first = Math.max(1, last - placesShown + 1);
  const places = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
  if (parts === undefined || places.includes(parts)) return places;
  return parts < first ? [parts, ...places] : [...places, parts];
}

/** Every checker, green or red at the cursor. */
export function ChecksPanel({ store, shown: { result, diagram } }: PanelProps): JSX.Element {
  const { violations } = result;
  const checks = checksAt(result.checkers, violations, { at: store.at.value, endsAt: diagram.endsAt });
  const rank = { broken: 0, ahead: 1, holds: 2 };
  const sorted = checks.toSorted((a, b) => rank[a.state] - rank[b.state]);
  return (
    <section class="panel" aria-labelledby="checks-title">
      <header>
        <h2 id="checks-title">Invariants</h2>
        <span class="note">
          {violations.length === 0
            ? 'all hold to the end'
            : `${checks.filter(({ state }) => state !== 'holds').length} do not hold`}
        </span>
      </header>
      <ul class="checks">
        {sorted.map(({ name, state, at, message }) => (
          <li key={name} data-check={name} data-state={state}>
            <Verdict kind={state === 'holds' ? 'well' : state} />
            <span>{name}</span>
            {at === undefined ? (
              <span />
            ) : (
              <span class="tools">
                <button
                  onClick={() => (store.at.value = at)}
                  aria-label={`${at.toFixed(0)} ms: go to where ${name} breaks`}
                >
                  {at.toFixed(0)} ms
                </button>
                {store.request.value.plan !== undefined && (
                  <button onClick={() => void store.shrink(name)} disabled={store.isBusy.value}>
                    shrink
                  </button>
                )}
              </span>
            )}
            {message !== '' && <small>{message}</small>}
          </li>
        ))}
      </ul>
    </section>
  );
}
