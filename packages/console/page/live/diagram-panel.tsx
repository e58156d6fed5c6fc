import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { plural } from '../../src/words.ts';
import { Stage } from '../lab/stage.tsx';
import type { Theme } from '../theme.ts';
import { DiagramView, stretches } from './diagram-view.ts';
import type { LiveStore } from './store.ts';

const nothing: ReadonlySet<string> = new Set();

/** What happens in the cluster, as a space-time diagram. */
export function DiagramPanel({
  store: { trace },
  theme,
}: {
  readonly store: LiveStore;
  readonly theme: Theme;
}): JSX.Element | null {
  const view = useMemo(() => new DiagramView(trace), [trace]);
  useEffect(() => view.start(), [view]);
  const { diagram } = view.shown.value;
  if (diagram.lanes.length === 0) return null;
  return (
    <section class="panel stage live-stage" aria-labelledby="diagram-title">
      <header>
        <h2 id="diagram-title">What happens</h2>
        <span class="note">as each node tells it</span>
        <Tools view={view} />
      </header>
      <Stage
        diagram={diagram}
        view={view.view}
        endsAt={diagram.endsAt}
        at={view.at}
        followMs={view.follows ? view.stretchMs.value : undefined}
        hidden={nothing}
        alarms={diagram.lives.flatMap(({ until, isCrash }) => (isCrash ? [until] : []))}
        selected={view.selected.value}
        theme={theme}
        clock={(at) => clockText(trace.origin + at)}
        onAt={(at) => view.goTo(at)}
        onSelect={(lane) => (view.selected.value = lane)}
        onKey={(event) => {
          if (event.ctrlKey || event.altKey || event.metaKey || !view.press(event.key)) return;
          event.preventDefault();
        }}
        onMove={() => view.stop()}
        label={`Space-time diagram of ${plural(diagram.lanes.length, 'node')}. Space stops it, arrow keys step, End follows again; the list of events says what this node saw in words.`}
      />
      <Key />
    </section>
  );
}

function Tools({ view }: { readonly view: DiagramView }): JSX.Element {
  const { tracks, track } = view.shown.value;
  return (
    <span class="end tools">
      {tracks.length > 1 && (
        <label>
          Bands{' '}
          <select value={track} onChange={(event) => (view.chosen.value = event.currentTarget.value)}>
            {tracks.map(({ id, label }) => (
              <option key={id} value={id}>
                {label}
              </option>
            ))}
          </select>
        </label>
      )}
      <select
        aria-label="Time in sight"
        value={view.stretchMs.value}
        onChange={(event) => {
          view.stretchMs.value = Number(event.currentTarget.value);
          view.follow();
        }}
      >
        {stretches.map(([ms, words]) => (
          <option key={ms} value={ms}>
            {words}
          </option>
        ))}
      </select>
      <button aria-pressed={!view.follows} onClick={() => (view.follows ? view.stop() : view.follow())}>
        {view.follows ? 'Stop' : 'Follow'}
      </button>
    </span>
  );
}

/** What the signs mean. */
function Key(): JSX.Element {
  return (
    <div class="kinds">
      <span>
        <svg viewBox="0 0 34 12" aria-hidden="true">
          <path d="M1 6H27" stroke="var(--blue)" stroke-width="1.8" />
          <path d="M24 2 33 6 24 10Z" fill="var(--blue)" />
        </svg>
        ordered by the leader, delivered
      </span>
      <span>
        <svg viewBox="0 0 34 12" aria-hidden="true">
          <path d="M17 0 23 6 17 12 11 6Z" fill="var(--amber)" />
        </svg>
        suspected, elected, blocked
      </span>
      <span>
        <svg viewBox="0 0 34 12" aria-hidden="true">
          <path d="M12 1l10 10M22 1 12 11" stroke="var(--red)" stroke-width="3" />
        </svg>
        its stream of events broke off
      </span>
      <span class="faint">each node by its own clock; wheel moves, ctrl + wheel zooms</span>
    </div>
  );
}

/** `19:02:31`, with what is below a second when that is not nothing. */
function clockText(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const ms = date.getMilliseconds();
  return ms === 0 ? text : `${text}.${String(ms).padStart(3, '0')}`;
}
