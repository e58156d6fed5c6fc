import type { JSX } from 'preact';

const shapes = {
  good: <circle cx="5" cy="5" r="4" />,
  warn: <path d="M5 0 10 5 5 10 0 5Z" />,
  bad: <path d="M1 0 5 4 9 0 10 1 6 5 10 9 9 10 5 6 1 10 0 9 4 5 0 1Z" />,
  plain: <rect x="2" y="3.8" width="6" height="2.4" />,
};

/** Good, worth a look, bad or neither, by colour and shape. */
export function ToneMark({ tone }: { readonly tone: keyof typeof shapes }): JSX.Element {
  return (
    <svg viewBox="0 0 10 10" width="9" height="9" class={`tone-${tone}`} fill="currentColor" aria-hidden="true">
      {shapes[tone]}
    </svg>
  );
}
