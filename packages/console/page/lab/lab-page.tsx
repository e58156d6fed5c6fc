import { useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import { coneOf } from '../../src/lab/cone.ts';
import { firstFrom, type Diagram } from '../../src/lab/diagram.ts';
import { narrate, type Line } from '../../src/lab/narrate.ts';
import type { Lesson as LessonFacts } from '../../src/lab/catalogue.ts';
import { plural } from '../../src/words.ts';
import { Verdict } from '../icons.tsx';
import type { Theme } from '../theme.ts';
import { ToneMark } from '../tone-mark.tsx';
import { VirtualRows } from '../virtual-rows.tsx';
import { Legend } from './legend.tsx';
import { ChecksPanel, FactsPanel, OrdersPanel, PlanPanel, WallPanel } from './panels.tsx';
import { Stage } from './stage.tsx';
import type { LabStore, Shown } from './store.ts';
import { handleKey, Transport } from './transport.tsx';

/** A simulated group: pick what happens, and look at every moment of it. */
export function LabPage({ store, theme }: { readonly store: LabStore; readonly theme: Theme }): JSX.Element {
  const shown = store.shown.value;
  const lane = shown?.diagram.lanes.indexOf(store.selected.value ?? '') ?? -1;
  const cone =
    shown !== undefined && store.showsCone.value && lane >= 0 ? coneOf(shown.diagram, lane, store.at.value) : undefined;
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
          <section class="panel stage" aria-label="Diagram">
            <Stage
              diagram={shown.diagram}
              at={store.at.value}
              until={shown.until}
              hidden={store.hidden.value}
              alarms={alarmsOf(shown)}
              selected={store.selected.value}
              cone={cone}
              theme={theme}
              onAt={(at) => (store.at.value = at)}
              onSelect={(lane) => (store.selected.value = lane)}
              onKey={(event) => handleKey(event, store, shown)}
            />
            <Transport store={store} shown={shown} />
            <Legend store={store} shown={shown} theme={theme} />
          </section>
          <div class="benches">
            <Benches store={store} shown={shown} />
          </div>
        </>
      )}
    </>
  );
}

/** What there is to see beside the diagram; a recording has no checkers, and a study no plan. */
function Benches({ store, shown }: { readonly store: LabStore; readonly shown: Shown }): JSX.Element {
  const isGroup = store.recording.value === '' && store.lesson.value.kind === 'group';
  return (
    <>
      <div class="column">
        {isGroup && <WallPanel store={store} shown={shown} />}
        <FactsPanel shown={shown} />
        {shown.orders.length > 0 && <OrdersPanel store={store} shown={shown} />}
      </div>
      {shown.result.checkers.length > 0 && (
        <div class="column">
          <ChecksPanel store={store} shown={shown} />
        </div>
      )}
      <div class="column">
        {isGroup && <PlanPanel store={store} shown={shown} />}
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

function Lesson({ store }: { readonly store: LabStore }): JSX.Element {
  const { level, seed } = store.request.value;
  const lesson = store.lesson.value;
  const recording = store.recording.value;
  return (
    <section class="panel lesson" aria-label="Scenario">
      <div class="choose">
        <Chooser store={store} lesson={lesson} />
        <label>
          Seed
          <input
            type="number"
            min={0}
            max={4_294_967_295}
            value={seed}
            onChange={({ currentTarget: { valueAsNumber } }) => {
              if (Number.isInteger(valueAsNumber) && valueAsNumber >= 0) store.ask({ seed: valueAsNumber });
            }}
          />
        </label>
        <button onClick={() => store.ask({ seed: seed + 1 })}>Next seed</button>
        <span class="faint about">{lesson.levels[level]}</span>
        <label class="file">
          <span class="button">Open recordings</span>
          <input
            type="file"
            multiple
            aria-label="Open recordings of nodes, written with --record"
            onChange={({ currentTarget: { files } }) => void store.openFiles([...(files ?? [])])}
          />
        </label>
      </div>
      {recording === '' ? (
        <>
          <p class="question">{lesson.question}</p>
          <Answer store={store} />
        </>
      ) : (
        <p class="question">What nodes recorded: {recording}</p>
      )}
    </section>
  );
}

function Chooser({ store, lesson }: { readonly store: LabStore; readonly lesson: LessonFacts }): JSX.Element {
  const { level } = store.request.value;
  const options = (kind: LessonFacts['kind']): JSX.Element[] =>
    store.catalogue
      .filter((one) => one.kind === kind)
      .map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ));
  return (
    <>
      <label>
        Scenario
        <select
          value={lesson.name}
          onChange={({ currentTarget: { value } }) => {
            const next = store.catalogue.find(({ name }) => name === value) ?? lesson;
            store.ask({ scenario: next.name, level: next.level, seed: next.seed });
          }}
        >
          <optgroup label="A group and its levels">{options('group')}</optgroup>
          <optgroup label="Rules compared">{options('study')}</optgroup>
        </select>
      </label>
      <fieldset class="levels">
        <legend>{lesson.kind === 'group' ? 'Level of the protocol' : 'Rule'}</legend>
        <div>
          {Object.keys(lesson.levels).map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="level"
                value={one}
                checked={one === level}
                onChange={() => store.ask({ level: one }, lesson.kind === 'group' ? store.at.value : undefined)}
              />
              <span>{one}</span>
            </label>
          ))}
        </div>
      </fieldset>
    </>
  );
}

function Answer({ store }: { readonly store: LabStore }): JSX.Element {
  const { level } = store.request.value;
  const shown = store.shown.value;
  const broken = [...new Set(shown?.result.violations.map(({ checker }) => checker))];
  const count = plural(shown?.diagram.messages.length ?? 0, 'message');
  return (
    <div class="choose">
      <span class="verdict" data-verdict={broken.length === 0 ? 'kept' : 'broken'}>
        <Verdict kind={broken.length === 0 ? 'well' : 'broken'} />
        {broken.length === 0
          ? `${level} keeps every promise in this run.`
          : `${level} breaks ${plural(broken.length, 'promise')} in this run${isExpected(shown, broken) ? ', as the lesson says' : ''}.`}
      </span>
      <span class="faint">{shown === undefined ? '' : `${count} in ${shown.result.tookMs.toFixed(0)} ms`}</span>
      <details>
        <summary>The answer</summary>
        <p>{store.lesson.value.explanation}</p>
      </details>
    </div>
  );
}

function isExpected(shown: Shown | undefined, broken: readonly string[]): boolean {
  const expected = shown?.result.expected ?? [];
  return broken.every((checker) => expected.includes(checker));
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
