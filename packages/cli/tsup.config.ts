import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/main.ts', 'src/commands.ts', 'src/help.ts', 'src/hooks.ts', 'src/node-main.ts'],
  format: 'esm',
  target: 'node22',
  sourcemap: true,
  clean: true,
});
