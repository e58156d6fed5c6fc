import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

export interface VirtualRowsProps {
  readonly count: number;
  readonly label: string;
  /** Nothing to show yet. */
  readonly empty: string;
  readonly row: (index: number) => JSX.Element;
  /** Keeps the last row in sight until somebody scrolls up. */
  readonly follows?: boolean;
  /** A class of its own, for rows that are laid out differently. */
  readonly kind?: string;
  /** A row to bring into sight when it changes. */
  readonly target?: number;
}

/** The height of a row, in pixels, as in the style sheet. */
export const rowHeight = 26;

/** Rows of which only those in sight exist, out of any number. */
export function VirtualRows({
  count,
  label,
  empty,
  row,
  follows = false,
  kind = '',
  target,
}: VirtualRowsProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const element = frame.current;
    if (element !== null && follows && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [count]);
  useLayoutEffect(() => {
    const element = frame.current;
    if (element !== null && target !== undefined) element.scrollTop = target * rowHeight - element.clientHeight / 2;
  }, [target]);
  const onScroll = (): void => {
    const element = frame.current;
    if (element === null) return;
    isAtEnd.current = element.scrollTop + element.clientHeight >= element.scrollHeight - rowHeight;
    top.value = element.scrollTop;
  };
  const height = frame.current?.clientHeight ?? 520;
  const first = Math.max(0, Math.floor(top.value / rowHeight) - 4);
  const shown = Math.max(0, Math.min(count - first, Math.ceil(height / rowHeight) + 8));
  return (
    <div class={`feed ${kind}`} ref={frame} onScroll={onScroll} tabIndex={0} role="region" aria-label={label}>
      {count === 0 && <p class="empty">{empty}</p>}
      <ol style={{ height: `${count * rowHeight}px` }}>
        {Array.from({ length: shown }, (_, index) => (
          <li key={first + index} style={{ top: `${(first + index) * rowHeight}px` }}>
            {row(first + index)}
          </li>
        ))}
      </ol>
    </div>
  );
}
