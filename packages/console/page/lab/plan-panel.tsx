import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { faultsOf, linkFaults, stepText, withFault, type FaultKind } from '../../src/lab/faults.ts';
import type { PanelProps } from './panels.tsx';
import type { LabStore } from './store.ts';

/** What happens, as data; more can be added at the cursor. */
export function PlanPanel({ store, shown: { diagram } }: PanelProps): JSX.Element | null {
  const { plan } = store.request.value;
  if (plan === undefined) return null;
  const at = store.at.value;
  const { lanes } = diagram;
  const node = store.selected.value ?? lanes[0] ?? 'n1';
  const others = lanes.filter((lane) => lane !== node);
  const peer = others.find((lane) => lane === store.peer.value) ?? others[0] ?? '';
  const add = (kind: FaultKind): void => store.ask({ plan: withFault(plan, { kind, node, peer, at, lanes }) }, at);
  const buttons = (faults: ReturnType<typeof faultsOf>): JSX.Element[] =>
    faults.map(({ kind, name }) => (
      <button key={kind} onClick={() => add(kind)}>
        {name}
      </button>
    ));
  return (
    <section class="panel" aria-labelledby="plan-title">
      <header>
        <h2 id="plan-title">What happens</h2>
        <span class="note">{store.isOwnPlan.value ? "the scenario's own plan" : 'changed; the URL holds it'}</span>
      </header>
      <p class="faint">
        Add something at the cursor, {at.toFixed(1)} ms: the past stays, the future is run anew. A click on a lane or on
        a message chooses the process or the link.
      </p>
      <fieldset class="faults">
        <legend>
          <Choice label="Process" value={node} lanes={lanes} onChange={(lane) => (store.selected.value = lane)} />
        </legend>
        {buttons(faultsOf(store.lesson.value.system))}
      </fieldset>
      {peer !== '' && (
        <fieldset class="faults">
          <legend>
            <Choice
              label={`Link ${node} –`}
              value={peer}
              lanes={others}
              onChange={(lane) => (store.peer.value = lane)}
            />
          </legend>
          {buttons(linkFaults)}
        </fieldset>
      )}
      <fieldset class="faults">
        <legend>Network</legend>
        {buttons([{ kind: 'heal', name: 'heal all cuts and splits' }])}
      </fieldset>
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

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly lanes: readonly string[];
  readonly onChange: (lane: string) => void;
}

function Choice({ label, value, lanes, onChange }: ChoiceProps): JSX.Element {
  return (
    <label>
      {label}{' '}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {lanes.map((lane) => (
          <option key={lane} value={lane}>
            {lane}
          </option>
        ))}
      </select>
    </label>
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
          <button onClick={() => location.assign(`#/lab/${scenario}?level=${level}&seed=${seed}&t=${store.at.value}`)}>
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
