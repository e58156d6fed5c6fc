import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Route } from '../src/route.ts';
import { StateSign, Logo } from './icons.tsx';
import { LivePage } from './live/live-page.tsx';
import type { Connection, LiveStore } from './live/store.ts';
import type { Theme } from './theme.ts';

export interface AppProps {
  readonly route: Signal<Route>;
  readonly live: LiveStore;
  /** The lab, once somebody has wanted it and it has been loaded. */
  readonly lab: Signal<((theme: Theme) => JSX.Element) | undefined>;
  readonly theme: Signal<Theme>;
  readonly toggleTheme: () => void;
}

const connectionWords: Readonly<Record<Connection, readonly [state: string, words: string]>> = {
  connecting: ['unknown', 'connecting'],
  live: ['alive', 'live'],
  lost: ['down', 'the node is away'],
  denied: ['suspect', 'token needed'],
  none: ['left', 'no node'],
};

/** The frame around both uses of the page. */
export function App({ route, live, lab, theme, toggleTheme }: AppProps): JSX.Element {
  const { page } = route.value;
  const self = live.model.value.rows.find(({ isSelf }) => isSelf);
  const [state, words] = connectionWords[live.connection.value];
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <h1>
          <Logo /> grp
        </h1>
        <nav aria-label="Pages">
          <a href="#/" aria-current={page === 'live' ? 'page' : undefined}>
            Cluster
          </a>
          <a href="#/lab" aria-current={page === 'lab' ? 'page' : undefined}>
            Lab
          </a>
        </nav>
        <span class="spring" />
        {page === 'live' && self !== undefined && <span class="pill wide">{self.name}</span>}
        {page === 'live' && <span class="pill wide">{live.hasToken.value ? 'with token' : 'read-only'}</span>}
        {page === 'live' && (
          <span class="pill" role="status" data-connection={live.connection.value}>
            <StateSign state={state} /> {words}
          </span>
        )}
        <button onClick={toggleTheme} aria-label={`Switch to the ${theme.value === 'dark' ? 'light' : 'dark'} theme`}>
          {theme.value === 'dark' ? 'Light' : 'Dark'}
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        {page === 'live' ? (
          <LivePage store={live} theme={theme.value} />
        ) : (
          (lab.value?.(theme.value) ?? <p class="empty">Loading the simulator.</p>)
        )}
      </main>
    </>
  );
}
