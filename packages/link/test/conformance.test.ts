// The suite of the transport port, over the simulated network: calm, in trouble, and with the longest messages.
import { createWorld, transportConformance, type Host } from '@grp/sim';
import { createLinks, type Links, type LinkSettings } from '@grp/link';
import { test } from 'vitest';

const trouble = { loss: 0.3, duplication: 0.2, reorder: 0.3, delay: { medianMs: 3, sigma: 1 } };

function open(host: Host, config: Partial<LinkSettings>): Links {
  const { clock } = host;
  return createLinks({
    transport: host.transport(7_946),
    clock,
    random: host.random.fork('link'),
    logger: host.logger,
    defer: (callback) => void clock.wakeAt(clock.now(), callback),
    config,
  });
}

for (const [name, network, config] of [
  ['links', {}, {}],
  ['links that do not coalesce, small', {}, { maxPayloadBytes: 200_000 }],
  ['links in trouble', trouble, { maxPayloadBytes: 20_000, rtoInitialMs: 60, rtoMinMs: 20 }],
] as const)
  transportConformance({
    name,
    test,
    open: () => {
      const world = createWorld({ seed: 1, nodes: ['a', 'b'], network });
      return {
        a: open(world.host('a'), config),
        b: open(world.host('b'), config),
        run: (ms) => world.run(ms),
        close() {},
      };
    },
  });
