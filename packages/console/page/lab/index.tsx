import type { JSX } from 'preact';
import type { Route } from '../../src/route.ts';
import type { Theme } from '../theme.ts';
import { LabPage } from './lab-page.tsx';
import { createLabStore } from './store.ts';

/** The lab, made when it is opened for the first time: it brings the simulator with it. */
export interface Lab {
  readonly show: (theme: Theme) => JSX.Element;
  readonly open: (route: Route & { readonly page: 'lab' }) => void;
}

export function createLab(route: Route & { readonly page: 'lab' }): Lab {
  const store = createLabStore(route);
  return {
    show: (theme) => <LabPage store={store} theme={theme} />,
    open: (next) => store.open(next),
  };
}
