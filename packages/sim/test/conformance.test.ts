import {
  clockConformance,
  createWorld,
  diskConformance,
  loggerConformance,
  randomConformance,
  seededRandom,
  streamsConformance,
  transportConformance,
  type World,
  type WorldOptions,
} from '@grp/sim';
import { systemClock, systemRandom, type LogLevel } from '@grp/core';
import { test } from 'vitest';

function world(options: Partial<WorldOptions<unknown>> = {}): World<unknown> {
  return createWorld({ seed: 1, nodes: ['a', 'b', 'c'], ...options });
}

const trouble = { loss: 0.02, duplication: 0.2, reorder: 0.3, delay: { medianMs: 3, sigma: 1 } };

for (const [name, network] of [
  ['simulated transport', {}],
  ['simulated transport in trouble', trouble],
] as const)
  transportConformance({
    name,
    test,
    open: () => {
      const w = world({ network });
      return {
        a: w.host('a').transport(7_946),
        b: w.host('b').transport(7_946),
        run: (ms) => w.run(ms),
        close() {},
      };
    },
  });

for (const [name, network] of [
  ['simulated streams', {}],
  ['simulated streams on a slow line', { bandwidth: 4e6, delay: 20 }],
] as const)
  streamsConformance({
    name,
    test,
    open: () => {
      const w = world({ network });
      w.crash('c', 'host');
      return {
        a: w.host('a').streams(7_946),
        b: w.host('b').streams(7_946),
        blackhole: w.address('c', 7_946),
        run: (ms) => w.run(ms),
        close() {},
      };
    },
  });

for (const rate of [1, 1.7, 0.3])
  clockConformance({
    name: `simulated clock at rate ${rate}`,
    test,
    supports: rate === 1 ? {} : { punctual: 'a clock this fast or slow is not' },
    open: () => {
      const w = world();
      w.runFor(123.456);
      w.setClock('a', { rate, jumpMs: -5_000 });
      w.restart('a');
      return { clock: w.host('a').clock, run: (ms) => w.run(ms), close() {} };
    },
  });

clockConformance({
  name: 'system clock',
  test,
  supports: { punctual: 'a loaded machine is not' },
  open: () => ({ clock: systemClock(), close() {} }),
});

randomConformance({
  name: 'seeded random',
  test,
  open: () => ({ random: seededRandom('x').fork('y'), twin: seededRandom('x').fork('y'), close() {} }),
});

randomConformance({
  name: 'system random',
  test,
  supports: { seeded: 'it has no seed' },
  open: () => ({ random: systemRandom(), close() {} }),
});

diskConformance({
  name: 'simulated disk',
  test,
  open: () => {
    const w = world({ disk: { capacityBytes: 1_048_576 } });
    const { disk } = w.host('a');
    return {
      disk,
      small: disk,
      powerCut: () => {
        w.crash('a', 'host');
        w.restart('a');
        return w.host('a').disk;
      },
      run: (ms) => w.run(ms),
      close() {},
    };
  },
  supports: { lock: 'one simulated host has one process' },
});

loggerConformance({
  name: 'simulated logger',
  test,
  open: () => {
    const w = world({ trace: { recordMax: 100 } });
    return {
      logger: w.host('a').logger,
      lines: () =>
        w
          .trace()
          .events.filter((event) => event.kind === 'log')
          .map(({ at: _at, kind: _kind, node: _node, text, level, ...fields }) => ({
            level: level as LogLevel,
            event: String(text),
            fields: fields as Record<string, string | number | boolean>,
          })),
      run: (ms) => w.run(ms),
      close() {},
    };
  },
});
