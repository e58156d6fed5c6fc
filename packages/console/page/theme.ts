import { signal, type Signal } from '@preact/signals';

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
      remember(theme.value);
      show();
    },
  };
}

// Storage may be forbidden: then the choice lasts as long as the page.
function chosen(): Theme | undefined {
  try {
    const value = localStorage.getItem(key);
    return value === 'dark' || value === 'light' ? value : undefined;
  } catch {
    return undefined;
  }
}

function remember(theme: Theme): void {
  try {
    localStorage.setItem(key, theme);
  } catch {
    // see above
  }
}
