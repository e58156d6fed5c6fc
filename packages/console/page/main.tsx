import { effect, signal } from '@preact/signals';
import { render } from 'preact';
import { parseRoute, takeToken } from '../src/route.ts';
import { App } from './app.tsx';
import type { Lab } from './lab/index.tsx';
import { createLiveStore } from './live/store.ts';
// oxlint-disable-next-line import/no-unassigned-import -- a style sheet has nothing to assign
import './style.css';
import { createTheme } from './theme.ts';

// The token leaves the URL at once, so that it is neither in the history nor in a URL that somebody copies.
const { hash, token } = takeToken(location.hash);
if (token !== undefined) history.replaceState(null, '', hash);

const route = signal(parseRoute(location.hash));
const live = createLiveStore(token);
const { theme, toggle } = createTheme();
const lab = signal<Lab['show'] | undefined>(undefined);
let made: Promise<Lab> | undefined;

// The live console is a tenth of the whole, and whoever looks at a cluster need not wait for the simulator.
async function openLab(): Promise<void> {
  const wanted = route.value;
  if (wanted.page !== 'lab') return;
  made ??= import('./lab/index.tsx').then(async ({ createLab }) => createLab(wanted));
  const { show, open } = await made;
  lab.value = show;
  open(wanted);
}

addEventListener('hashchange', () => {
  if (location.hash === '#main') return;
  route.value = parseRoute(location.hash);
});
effect(() => void openLab());
effect(() => {
  document.title =
    route.value.page === 'live' ? 'grp · cluster' : `grp · lab · ${route.value.scenario || 'gms2-crash'}`;
});

live.start();
const root = document.getElementById('app');
if (root !== null) {
  root.replaceChildren();
  render(<App route={route} live={live} lab={lab} theme={theme} toggleTheme={toggle} />, root);
}
