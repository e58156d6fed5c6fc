import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { checksAt } from '../../src/lab/checks.ts';
import { faultNames, stepText, withFault, type FaultKind } from '../../src/lab/faults.ts';
import { momentAt, type WorkerAt } from '../../src/lab/moment.ts';
import { atPlace, type Orders } from '../../src/lab/orders.ts';
import { listText, plural } from '../../src/words.ts';
import { Crown, Verdict } from '../icons.tsx';
import type { LabStore, Shown } from './store.ts';

interface PanelProps {
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
      <p class={`sentence ${parts === undefined ? 'well' : ''}`}>{divergence?.sentence ?? sentenceOf(orders, parts)}</p>
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
function sentenceOf({ rows }: Orders, parts: number | undefined): string {
  if (parts === undefined) return 'All that live have delivered the same, in the same order.';
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

/** What happens to the group, as data; more can be added at the cursor. */
export function PlanPanel({ store, shown: { diagram } }: PanelProps): JSX.Element | null {
  const { plan } = store.request.value;
  if (plan === undefined) return null;
  const at = store.at.value;
  const node = store.selected.value ?? diagram.lanes[0] ?? 'n1';
  const add = (kind: FaultKind): void =>
    store.ask({ plan: withFault(plan, { kind, node, at, lanes: diagram.lanes }) }, at);
  return (
    <section class="panel" aria-labelledby="plan-title">
      <header>
        <h2 id="plan-title">What happens</h2>
        <span class="note">{store.isOwnPlan.value ? "the scenario's own plan" : 'changed; the URL holds it'}</span>
      </header>
      <div class="tools">
        <label class="tools">
          At {at.toFixed(1)} ms, to
          <select value={node} onChange={(event) => (store.selected.value = event.currentTarget.value)}>
            {diagram.lanes.map((lane) => (
              <option key={lane} value={lane}>
                {lane}
              </option>
            ))}
          </select>
        </label>
        {Object.entries(faultNames).map(([kind, name]) => (
          <button key={kind} onClick={() => add(kind as FaultKind)}>
            {name}
          </button>
        ))}
      </div>
      <ol class="steps">
        {plan.steps.map((step, index) => (
          <li key={`${index} ${stepText(step)}`} class={step.at <= at ? 'past' : ''}>
            <span class="mono">{step.at} ms</span>
            <span>{stepText(step)}</span>
            <button
              aria-label={`Leave out: ${stepText(step)}`}
              onClick={() => store.ask({ plan: { ...plan, steps: plan.steps.toSpliced(index, 1) } }, at)}
            >
              ×
            </button>
          </li>
        ))}
      </ol>
      <Recording store={store} />
    </section>
  );
}

function Recording({ store }: { readonly store: LabStore }): JSX.Element {
  const said = useSignal('');
  const { scenario, level, seed } = store.request.value;
  const hash = store.shown.value?.result.traceHash ?? '';
  const download = (): void => {
    const { plan } = store.request.value;
    const recording = { schema: 'grp.lab.recording/1', scenario, level, seed, plan, traceHash: hash };
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([JSON.stringify(recording, undefined, 2)], { type: 'application/json' }));
    link.download = `${scenario}-${level}-${seed}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
    said.value = `Replay it with: grp lab replay ${link.download}`;
  };
  const copy = (): void => {
    navigator.clipboard.writeText(location.href).then(
      () => (said.value = 'The URL is copied: whoever opens it sees this moment.'),
      () => (said.value = location.href),
    );
  };
  return (
    <>
      <p class="key">
        <span>
          trace hash <code data-hash={hash}>{hash.slice(0, 16)}</code>
        </span>
      </p>
      <div class="tools">
        <button onClick={copy}>Copy URL</button>
        <button onClick={download}>Save recording</button>
        {!store.isOwnPlan.value && (
          <button onClick={() => location.assign(`#/lab/${scenario}?level=${level}&seed=${seed}`)}>
            Undo all changes
          </button>
        )}
      </div>
      <p role="status" class="faint">
        {said.value}
      </p>
    </>
  );
}
