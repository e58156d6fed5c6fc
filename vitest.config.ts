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
          maxWorkers: 2, // vitest would take one on two cores
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Real sockets and real processes, which mostly wait: two files at a time keep two cores busy, and no limit in a
        // test may be so tight that a neighbour's work breaks it.
        test: {
          name: 'e2e',
          include: ['packages/*/test/**/*.e2e.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
