import type { JSX } from 'preact';
import { checksAt } from '../../src/lab/checks.ts';
import { Control } from '../icons.tsx';
import type { LabStore, Shown } from './store.ts';

/** Where the first checker breaks; undefined when all hold. */
function firstBreak({ result, diagram }: Shown): number | undefined {
  const checks = checksAt([], result.violations, { at: 0, endsAt: diagram.endsAt });
  const times = checks.flatMap(({ at }) => (at === undefined ? [] : [at]));
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The cursor through time: play, step, drag. */
export function Transport({ store, shown }: { readonly store: LabStore; readonly shown: Shown }): JSX.Element {
  const { endsAt } = shown.diagram;
  const at = store.at.value;
  const broken = firstBreak(shown);
  const go = (to: number) => () => (store.at.value = to);
  return (
    <div class="transport">
      <button onClick={go(0)} aria-label="To the beginning">
        <Control kind="first" />
      </button>
      <button onClick={() => store.step(-1)} aria-label="One event back">
        <Control kind="back" />
      </button>
      <button
        class="primary"
        aria-label={store.isPlaying.value ? 'Stop' : 'Play'}
        onClick={() => {
          if (at >= endsAt) store.at.value = 0;
          store.isPlaying.value = !store.isPlaying.value;
        }}
      >
        <Control kind={store.isPlaying.value ? 'pause' : 'play'} />
      </button>
      <button onClick={() => store.step(1)} aria-label="One event on">
        <Control kind="on" />
      </button>
      <button onClick={go(endsAt)} aria-label="To the end">
        <Control kind="last" />
      </button>
      <input
        type="range"
        aria-label="Virtual time"
        aria-valuetext={`${at.toFixed(1)} ms`}
        min={0}
        max={Math.max(1, endsAt)}
        step={0.1}
        value={at}
        onInput={({ currentTarget: { valueAsNumber } }) => (store.at.value = valueAsNumber)}
      />
      <output>{at.toFixed(1)} ms</output>
      <select
        aria-label="Speed"
        value={store.speed.value}
        onChange={({ currentTarget: { value } }) => (store.speed.value = Number(value))}
      >
        {[10, 50, 200, 1_000].map((speed) => (
          <option key={speed} value={speed}>
            {speed === 1_000 ? 'real time' : `1/${1_000 / speed}`}
          </option>
        ))}
      </select>
      <Looks store={store} broken={broken} />
    </div>
  );
}

/** Other ways to look at the run. */
function Looks({ store, broken }: { readonly store: LabStore; readonly broken: number | undefined }): JSX.Element {
  return (
    <>
      <button
        aria-pressed={store.showsCone.value}
        title="What may have caused this instant of the selected process (blue), and what it may have caused (amber)"
        onClick={() => (store.showsCone.value = !store.showsCone.value)}
      >
        Causes of {store.selected.value}
      </button>
      {store.recording.value === '' && (
        <button
          aria-pressed={store.beside.value !== undefined}
          title="Keeps this run, so that what you change is shown beside it: one fault more, another level, another seed"
          onClick={() => store.compare()}
        >
          Compare
        </button>
      )}
      <button disabled={broken === undefined} onClick={() => (store.at.value = broken ?? 0)}>
        First violation
      </button>
    </>
  );
}

/** Keys over the diagram. */
export function handleKey(event: KeyboardEvent, store: LabStore, shown: Shown): void {
  const { endsAt } = shown.diagram;
  const actions: Readonly<Record<string, () => void>> = {
    ArrowRight: () => store.step(1),
    ArrowLeft: () => store.step(-1),
    Home: () => (store.at.value = 0),
    End: () => (store.at.value = endsAt),
    PageDown: () => (store.at.value = Math.min(endsAt, store.at.value + 50)),
    PageUp: () => (store.at.value = Math.max(0, store.at.value - 50)),
    ' ': () => (store.isPlaying.value = !store.isPlaying.value),
    c: () => (store.showsCone.value = !store.showsCone.value),
    v: () => (store.at.value = firstBreak(shown) ?? store.at.value),
    ArrowDown: () => select(store, shown, 1),
    ArrowUp: () => select(store, shown, -1),
  };
  const action = actions[event.key];
  if (action === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  action();
}

function select(store: LabStore, { diagram: { lanes } }: Shown, direction: number): void {
  const index = lanes.indexOf(store.selected.value ?? '');
  store.selected.value = lanes[(index + direction + lanes.length) % lanes.length];
}
