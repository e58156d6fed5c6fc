import type { JSX } from 'preact';
import type { Lesson as LessonFacts } from '../../src/lab/catalogue.ts';
import { sayTo } from '../../src/lab/predict.ts';
import { plural } from '../../src/words.ts';
import { Verdict } from '../icons.tsx';
import type { LabStore, Shown } from './store.ts';

/** Which scenario is run, its question, and its answer once the reader may have it. */
export function Lesson({ store }: { readonly store: LabStore }): JSX.Element {
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
          {store.isAsking.value ? <Guess store={store} /> : <Answer store={store} />}
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
      <label class="check">
        <input
          type="checkbox"
          checked={store.asksFirst.value}
          onChange={({ currentTarget: { checked } }) => store.setAsksFirst(checked)}
        />
        ask me first
      </label>
      <Explanation store={store} />
    </div>
  );
}

/** The answer, open for whoever has made a guess. */
function Explanation({ store }: { readonly store: LabStore }): JSX.Element {
  const { explanation, guess } = store.lesson.value;
  const guessed = store.guessed.value;
  const answer = store.shown.value?.result.answer ?? -1;
  const isRight = guessed === answer;
  return (
    <>
      {guessed !== undefined && (
        <p class={`sentence ${isRight ? 'well' : ''}`} role="status" data-guess={isRight ? 'right' : 'wrong'}>
          {sayTo(guess.options, guessed, answer)}
        </p>
      )}
      <details open={guessed !== undefined}>
        <summary>The answer</summary>
        <p>{explanation}</p>
      </details>
    </>
  );
}

/** The question is put before the answer is shown: the run stands still until the reader has said what comes. */
function Guess({ store }: { readonly store: LabStore }): JSX.Element {
  const { guess } = store.lesson.value;
  return (
    <fieldset class="guess">
      <legend>{guess.question}</legend>
      {guess.options.map((option, index) => (
        <button key={option} onClick={() => store.reveal(index)}>
          {option}
        </button>
      ))}
      <button class="plain" onClick={() => store.reveal(undefined)}>
        just show me
      </button>
      <span class="faint">The run stands at {store.at.value.toFixed(1)} ms. What do you expect?</span>
    </fieldset>
  );
}

function isExpected(shown: Shown | undefined, broken: readonly string[]): boolean {
  const expected = shown?.result.expected ?? [];
  return broken.every((checker) => expected.includes(checker));
}
