import type { ComponentChildren, JSX } from 'preact';

interface SignProps {
  readonly label?: string;
  readonly class?: string;
}

function Sign({
  label,
  class: name = '',
  children,
}: SignProps & { readonly children: ComponentChildren }): JSX.Element {
  const spoken = label === undefined ? { 'aria-hidden': true } : { role: 'img' as const, 'aria-label': label };
  return (
    <svg viewBox="0 0 16 16" class={`sign ${name}`} {...spoken}>
      {children}
    </svg>
  );
}

const stroke = { fill: 'none', stroke: 'currentColor', 'stroke-width': 2.2, 'stroke-linecap': 'round' } as const;

// Each state is a colour and a shape.
const shapes: Readonly<Record<string, JSX.Element>> = {
  alive: <circle cx="8" cy="8" r="5.4" fill="currentColor" />,
  suspect: <path d="M8 1.4 14.6 8 8 14.6 1.4 8Z" fill="currentColor" />,
  down: <path d="M3 3 13 13M13 3 3 13" {...stroke} stroke-width={3} />,
  left: <circle cx="8" cy="8" r="5" {...stroke} stroke-dasharray="3 3.2" />,
  unknown: <circle cx="8" cy="8" r="5" {...stroke} />,
  silent: <path d="M8 2 14.5 13.5H1.5Z" {...stroke} stroke-linejoin="round" />,
};

/** The shape of a member's state, in its colour. */
export function StateSign({ state, label }: { readonly state: string; readonly label?: string }): JSX.Element {
  return (
    <Sign class={`s-${state}`} {...(label !== undefined && { label })}>
      {shapes[state] ?? shapes['unknown']}
    </Sign>
  );
}

/** The leader's crown. */
export function Crown({ label }: SignProps): JSX.Element {
  return (
    <Sign {...(label !== undefined && { label })}>
      <path d="M2 12.5 1.4 4.6 5 7.6 8 2.8l3 4.8 3.6-3-.6 7.9Z" fill="currentColor" />
    </Sign>
  );
}

/** Holds, broken, or a question: by shape and colour. */
export function Verdict({ kind }: { readonly kind: 'well' | 'broken' | 'ahead' }): JSX.Element {
  if (kind === 'well')
    return (
      <Sign class="tone-good" label="holds">
        <path d="M2.5 8.5 6.4 12.4 13.5 4" {...stroke} />
      </Sign>
    );
  if (kind === 'broken')
    return (
      <Sign class="tone-bad" label="broken">
        <path d="M3.5 3.5 12.5 12.5M12.5 3.5 3.5 12.5" {...stroke} />
      </Sign>
    );
  return (
    <Sign class="tone-warn" label="will be broken">
      <path d="M8 2.5V9M8 13V13.2" {...stroke} />
    </Sign>
  );
}

/** The mark of the project: three lanes and a message. */
export function Logo(): JSX.Element {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <g stroke-width="2.2" fill="none" stroke-linecap="round">
        <path d="M3 7h26M3 16h26M3 25h26" stroke="var(--line)" />
        <path d="M8 7l8 9 8 9" stroke="var(--faint)" />
      </g>
      <circle cx="8" cy="7" r="3.6" fill="var(--blue)" />
      <rect x="12.8" y="12.8" width="6.4" height="6.4" fill="var(--amber)" />
      <path d="M24 20.4l4.4 4.6-4.4 4.6-4.4-4.6Z" fill="var(--green)" />
    </svg>
  );
}

const controls = {
  first: 'M3.4 3v10M13 3 5.6 8 13 13Z',
  back: 'M11.5 3 4.5 8 11.5 13Z',
  play: 'M4.5 2.6 13 8 4.5 13.4Z',
  pause: 'M4 3h2.8v10H4ZM9.2 3H12v10H9.2Z',
  on: 'M4.5 3 11.5 8 4.5 13Z',
  last: 'M12.6 3v10M3 3 10.4 8 3 13Z',
} as const;

/** The sign of a control of the run. */
export function Control({ kind }: { readonly kind: keyof typeof controls }): JSX.Element {
  return (
    <Sign>
      <path d={controls[kind]} fill="currentColor" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" />
    </Sign>
  );
}
