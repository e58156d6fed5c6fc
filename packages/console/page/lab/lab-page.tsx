import { useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import { coneOf } from '../../src/lab/cone.ts';
import { firstFrom, type Diagram } from '../../src/lab/diagram.ts';
import { narrate, type Line } from '../../src/lab/narrate.ts';
import { plural } from '../../src/words.ts';
import type { Theme } from '../theme.ts';
import { ToneMark } from '../tone-mark.tsx';
import { VirtualRows } from '../virtual-rows.tsx';
import { ComparePanel, requestText } from './compare-panel.tsx';
import { Legend } from './legend.tsx';
import { Lesson } from './lesson.tsx';
import { ChecksPanel, FactsPanel, OrdersPanel, WallPanel } from './panels.tsx';
import { PlanPanel } from './plan-panel.tsx';
import { Stage } from './stage.tsx';
import type { LabStore, Shown } from './store.ts';
import { handleKey, Transport } from './transport.tsx';

interface ShownProps {
  readonly store: LabStore;
  readonly shown: Shown;
  readonly theme: Theme;
}

/** A simulated group: pick what happens, and look at every moment of it. */
export function LabPage({ store, theme }: { readonly store: LabStore; readonly theme: Theme }): JSX.Element {
  const shown = store.shown.value;
  return (
    <>
      <Lesson store={store} />
      {store.problem.value !== '' && (
        <p class="sentence" role="alert">
          {store.problem.value}
        </p>
      )}
      {shown === undefined ? (
        <p class="empty panel">Running.</p>
      ) : (
        <>
          <Diagrams store={store} shown={shown} theme={theme} />
          {!store.isAsking.value && (
            <div class="benches">
              <Benches store={store} shown={shown} />
            </div>
          )}
        </>
      )}
    </>
  );
}

/** The diagram of the run, and above it the one that was kept to compare. */
function Diagrams({ store, shown, theme }: ShownProps): JSX.Element {
  const kept = store.beside.value;
  const isAsking = store.isAsking.value;
  return (
    <>
      <section class="panel stage" aria-label="Diagram">
        {kept !== undefined && (
          <>
            <RunTitle store={store} run={kept} name="Kept" />
            <RunStage store={store} shown={shown} run={kept} theme={theme} />
            <RunTitle store={store} run={shown} name="Here" />
          </>
        )}
        <RunStage store={store} shown={shown} run={shown} theme={theme} isMain />
        {!isAsking && <Transport store={store} shown={shown} />}
        <Legend store={store} shown={shown} theme={theme} />
      </section>
      {kept !== undefined && !isAsking && <ComparePanel store={store} kept={kept} shown={shown} />}
    </>
  );
}

interface RunProps {
  readonly store: LabStore;
  readonly run: Shown;
}

function RunTitle({ store, run: { request, result }, name }: RunProps & { readonly name: string }): JSX.Element {
  const own = JSON.stringify(request.plan) === JSON.stringify(store.lesson.value.plan);
  const broken = new Set(result.violations.map(({ checker }) => checker)).size;
  return (
    <p class="run">
      <b>{name}</b> <span class="mono">{requestText(request, own)}</span>{' '}
      <span class={broken === 0 ? 'tone-good' : 'tone-bad'}>
        {broken === 0 ? 'keeps every promise' : `breaks ${plural(broken, 'promise')}`}
      </span>
    </p>
  );
}

function RunStage({
  store,
  shown,
  run,
  theme,
  isMain = false,
}: RunProps & ShownProps & { readonly isMain?: boolean }): JSX.Element {
  const { diagram } = run;
  const lane = diagram.lanes.indexOf(store.selected.value ?? '');
  const isAsking = store.isAsking.value;
  const cone = store.showsCone.value && lane >= 0 && !isAsking ? coneOf(diagram, lane, store.at.value) : undefined;
  const other = store.beside.value?.diagram.endsAt ?? 0;
  return (
    <Stage
      diagram={diagram}
      view={store.view}
      endsAt={Math.max(shown.diagram.endsAt, other)}
      at={store.at.value}
      until={shown.until}
      hidesFuture={isAsking}
      hidden={store.hidden.value}
      alarms={alarmsOf(run)}
      selected={store.selected.value}
      cone={cone}
      theme={theme}
      onAt={(at) => {
        if (!isAsking) store.at.value = at;
      }}
      onSelect={(name) => (store.selected.value = name)}
      {...(isMain && {
        onLink: (from: string, to: string) => {
          store.selected.value = from;
          store.peer.value = to;
        },
      })}
      onKey={(event) => {
        if (!isAsking) handleKey(event, store, shown);
      }}
      label={`Space-time diagram of ${plural(diagram.lanes.length, 'process', 'processes')} and ${diagram.messages.length} messages${isMain ? '' : ', the run that was kept'}. Arrow keys step, plus and minus zoom; the list of events below says the same in words.`}
    />
  );
}

/** What there is to see beside the diagram; a recording has no checkers, and a study without a plan nothing to change. */
function Benches({ store, shown }: Omit<ShownProps, 'theme'>): JSX.Element {
  const isRun = store.recording.value === '';
  return (
    <>
      <div class="column">
        {isRun && store.lesson.value.kind === 'group' && <WallPanel store={store} shown={shown} />}
        <FactsPanel shown={shown} />
        {shown.orders.length > 0 && <OrdersPanel store={store} shown={shown} />}
      </div>
      {shown.result.checkers.length > 0 && (
        <div class="column">
          <ChecksPanel store={store} shown={shown} />
        </div>
      )}
      <div class="column">
        {isRun && <PlanPanel store={store} shown={shown} />}
        <Words store={store} diagram={shown.diagram} />
      </div>
    </>
  );
}

function alarmsOf({ diagram, result }: Shown): readonly number[] {
  const broken = result.violations.flatMap(({ at }) => (at === undefined ? [] : [Math.min(at, diagram.endsAt)]));
  const crashes = diagram.lives.flatMap(({ until, isCrash }) => (isCrash ? [until] : []));
  return [...crashes, ...broken];
}

/** What the diagram shows, in words. */
function Words({ store, diagram }: { readonly store: LabStore; readonly diagram: Diagram }): JSX.Element {
  const lines = useComputed(() =>
    store.shown.value === undefined ? [] : narrate(store.shown.value.diagram, store.hidden.value),
  );
  const target = firstFrom(lines.value, store.at.value, ({ at }) => at);
  return (
    <section class="panel" aria-labelledby="words-title">
      <header>
        <h2 id="words-title">In words</h2>
        <span class="note">{plural(lines.value.length, 'event')}</span>
      </header>
      <VirtualRows
        count={lines.value.length}
        label={`The run in words, ${diagram.lanes.length} processes`}
        empty="Nothing happens."
        target={target}
        kind="words"
        row={(index) => <WordsLine line={lines.value[index] as Line} isNow={index === target} />}
      />
    </section>
  );
}

function WordsLine({ line, isNow }: { readonly line: Line; readonly isNow: boolean }): JSX.Element {
  return (
    <>
      <time>{line.at.toFixed(1)}</time>
      <span class="kind">
        <ToneMark tone={line.tone} />
      </span>
      {isNow ? <b title={line.words}>{line.words}</b> : <span title={line.words}>{line.words}</span>}
    </>
  );
}
