import { preact } from '@preact/preset-vite';
import { defineConfig } from 'vite';

const conditions = ['@grp/source', 'browser', 'module', 'import', 'default'];

/** One page and one worker, from the sources of the packages: nothing has to be built first. */
export default defineConfig({
  plugins: [preact()],
  resolve: { conditions },
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    assetsInlineLimit: 0, // the policy of the page allows no inline scripts, and data: for images alone
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
});
