import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { filterFeed, type FeedLine } from '../../src/live/feed.ts';
import { countText } from '../../src/words.ts';
import { ToneMark } from '../tone-mark.tsx';
import { VirtualRows } from '../virtual-rows.tsx';
import type { LiveStore } from './store.ts';

/** What happens, newest at the bottom; it follows the newest until somebody scrolls up. */
export function FeedPanel({ store }: { readonly store: LiveStore }): JSX.Element {
  const nouns = useSignal<ReadonlySet<string>>(new Set());
  const words = useSignal('');
  const frozen = useSignal<readonly FeedLine[] | undefined>(undefined);
  const shown = useComputed(() => {
    void store.feedVersion.value;
    const lines = filterFeed(frozen.value ?? store.feed.lines, { nouns: nouns.value, words: words.value });
    return { lines }; // a new object each time: the feed's own array stays the same while it grows
  });
  const toggle = (noun: string): void => {
    const next = new Set(nouns.value);
    if (!next.delete(noun)) next.add(noun);
    nouns.value = next;
  };
  const { lines } = shown.value;
  return (
    <section class="panel" aria-labelledby="feed-title">
      <header>
        <h2 id="feed-title">Events</h2>
        <span class="note">{countText(lines.length)} shown</span>
        <button
          class="end"
          aria-pressed={frozen.value !== undefined}
          onClick={() => (frozen.value = frozen.value === undefined ? [...store.feed.lines] : undefined)}
        >
          {frozen.value === undefined ? 'Pause' : 'Go on'}
        </button>
      </header>
      <div class="tools">
        {['swim', 'gms', 'raft', 'node'].map((noun) => (
          <button key={noun} aria-pressed={nouns.value.has(noun)} onClick={() => toggle(noun)}>
            {noun}
          </button>
        ))}
        <input
          type="search"
          placeholder="filter"
          aria-label="Filter events by text"
          onInput={(event) => (words.value = event.currentTarget.value)}
        />
      </div>
      <VirtualRows
        count={lines.length}
        label="Events"
        empty="Nothing has happened since this page was opened."
        follows
        row={(index) => <Line line={lines[index] as FeedLine} />}
      />
    </section>
  );
}

function Line({ line }: { readonly line: FeedLine }): JSX.Element {
  return (
    <>
      <time>{timeText(line.at)}</time>
      <span class="kind">
        <ToneMark tone={line.tone} /> {line.type}
      </span>
      <b>{line.subject}</b>
      <span class="faint">{line.words}</span>
    </>
  );
}

function timeText(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${clock}.${Math.floor(date.getMilliseconds() / 100)}`;
}
