import type { JSX } from 'preact';
import type { Route } from '../../src/route.ts';
import type { Theme } from '../theme.ts';
import { LabPage } from './lab-page.tsx';
import { createSimulator } from './simulator.ts';
import { createLabStore } from './store.ts';

/** The lab, made when it is opened for the first time: it brings the simulator with it. */
export interface Lab {
  readonly show: (theme: Theme) => JSX.Element;
  readonly open: (route: Route & { readonly page: 'lab' }) => void;
}

export async function createLab(route: Route & { readonly page: 'lab' }): Promise<Lab> {
  const simulator = createSimulator();
  const catalogue = await simulator({ type: 'catalogue' });
  const store = createLabStore({ route, catalogue, simulator });
  return {
    show: (theme) => <LabPage store={store} theme={theme} />,
    open: (next) => store.open(next),
  };
}
