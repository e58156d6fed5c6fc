import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Theme } from '../theme.ts';
import { inkOf, readPalette, type Ink } from './palette.ts';
import type { LabStore, Shown } from './store.ts';

interface LegendProps {
  readonly store: LabStore;
  readonly shown: Shown;
  readonly theme: Theme;
}

/** What lines and signs mean; kinds of messages can be left out. */
export function Legend({ store, shown, theme }: LegendProps): JSX.Element {
  const palette = useMemo(readPalette, [theme]);
  const hidden = store.hidden.value;
  const toggle = (kind: string): void => {
    const next = new Set(hidden);
    if (!next.delete(kind)) next.add(kind);
    store.hidden.value = next;
  };
  return (
    <div class="kinds">
      {shown.diagram.kinds.map((kind) => (
        <button key={kind} aria-pressed={!hidden.has(kind)} onClick={() => toggle(kind)}>
          <Arrow ink={inkOf(kind, palette)} /> {kind}
        </button>
      ))}
      <span>
        <svg viewBox="0 0 34 12" aria-hidden="true">
          <path d="M2 6H28" stroke="var(--blue)" stroke-width="1.8" stroke-dasharray="5 4" />
        </svg>
        sent again
      </span>
      <span>
        <svg viewBox="0 0 34 12" aria-hidden="true">
          <path d="M2 6H22" stroke="var(--blue)" stroke-width="1.8" />
          <path d="M20 2l8 8M28 2l-8 8" stroke="var(--red)" stroke-width="2.2" />
        </svg>
        lost
      </span>
      <span>
        <svg viewBox="0 0 34 12" aria-hidden="true">
          <circle cx="8" cy="6" r="3.2" fill="var(--panel)" stroke="var(--soft)" stroke-width="1.6" />
          <path d="M11 10H24" stroke="var(--amber)" stroke-width="3" />
          <rect x="23" y="1" width="10" height="10" fill="var(--blue)" stroke="var(--ink)" stroke-width="1.4" />
        </svg>
        received, held back, delivered
      </span>
      <span class="faint">wheel moves, ctrl + wheel zooms, arrow keys step</span>
    </div>
  );
}

function Arrow({ ink: { colour, head } }: { readonly ink: Ink }): JSX.Element {
  const heads = {
    full: <path d="M24 2 33 6 24 10Z" fill={colour} />,
    open: <path d="M25 1.5 32 6 25 10.5" fill="none" stroke={colour} stroke-width="1.8" />,
    diamond: <path d="M20 6 26 2 33 6 26 10Z" fill={colour} />,
    dot: <circle cx="29" cy="6" r="2.4" fill={colour} />,
  };
  return (
    <svg viewBox="0 0 34 12" aria-hidden="true">
      <path d="M1 6H27" stroke={colour} stroke-width="1.8" />
      {heads[head]}
    </svg>
  );
}
