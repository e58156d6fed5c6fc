import { signal, type Signal } from '@preact/signals';
import { forgetOrRemember, remembered } from './remember.ts';

export type Theme = 'dark' | 'light';

const key = 'grp-theme';

/** The theme: what was chosen here, else what the system says. */
export function createTheme(): { readonly theme: Signal<Theme>; readonly toggle: () => void } {
  const theme = signal<Theme>(chosen() ?? (matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark'));
  const show = (): void => {
    document.documentElement.dataset['theme'] = theme.value;
  };
  show();
  return {
    theme,
    toggle() {
      theme.value = theme.value === 'dark' ? 'light' : 'dark';
      forgetOrRemember(key, theme.value);
      show();
    },
  };
}

function chosen(): Theme | undefined {
  const value = remembered(key);
  return value === 'dark' || value === 'light' ? value : undefined;
}
