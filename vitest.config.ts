import { defineConfig } from 'vitest/config';

const conditions = ['@grp/source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    disableConsoleIntercept: true, // oclif's output capture sees nothing otherwise
    reporters: ['default', './scripts/closing-line.ts'],
    coverage: { provider: 'v8', include: ['packages/*/src/**/*.ts'] },
    projects: [
      {
        // Rules, codecs, machines and the simulator: virtual time, no sockets.
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts'],
          exclude: ['**/*.e2e.test.ts'],
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Real sockets and real processes: one at a time, so that two cores are enough.
        test: {
          name: 'e2e',
          include: ['packages/*/test/**/*.e2e.test.ts'],
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
