import { cp, rm } from 'node:fs/promises';
import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/main.ts', 'src/commands.ts', 'src/help.ts', 'src/hooks.ts', 'src/node-main.ts'],
  format: 'esm',
  target: 'node22',
  sourcemap: true,
  clean: true,
  // The page is a package of its own, which is built before this one.
  async onSuccess() {
    await rm('dist/console', { recursive: true, force: true });
    await cp('../console/dist', 'dist/console', { recursive: true });
  },
});
