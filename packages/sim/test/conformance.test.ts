import { createWorld, streamsConformance, transportConformance, type World } from '@grp/sim';
import { test } from 'vitest';

function world(): World<undefined> {
  return createWorld<undefined>({ seed: 1, nodes: ['a', 'b', 'c'], start: () => undefined });
}

transportConformance({
  name: 'simulated transport',
  test,
  open: () => {
    const w = world();
    return {
      a: w.host('a').transport(7_946),
      b: w.host('b').transport(7_946),
      run: (ms) => w.run(ms),
      close() {},
    };
  },
});

streamsConformance({
  name: 'simulated streams',
  test,
  open: () => {
    const w = world();
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
