import { assertSeeds, chaos, createWorld, runSeeds, type Host } from '@grp/sim';

// A node that counts its starts on disk. The rule: an acknowledged count is never forgotten.
async function start({ disk, exit }: Host) {
  try {
    const lives = (await disk.list('')).length === 0 ? 0 : ((await disk.read('lives', 0, 1))[0] ?? 0);
    await disk.write('lives', 0, new Uint8Array([lives + 1]));
    await disk.sync('lives');
    await disk.syncDirectory('');
    return lives + 1;
  } catch (cause) {
    exit(String(cause)); // after a failed flush nothing on the disk can be trusted: never go on
    return 0;
  }
}

const report = await runSeeds({
  from: 1,
  to: 20,
  replay: (seed) => `SEED=${seed} node examples/storm.ts`,
  async run(seed) {
    const world = createWorld<number>({ seed, nodes: ['a', 'b', 'c'], start });
    const storm = chaos(world, { kinds: ['crash', 'host-crash', 'pause'], everyMs: 500, downMax: 3 });
    const best = new Map<string, number>();
    const violations: { checker: string; message: string }[] = [];
    const watch = () => {
      for (const name of world.names) {
        const lives = world.state(name) === 'running' && world.everyNode(() => true) ? world.node(name) : 0;
        if (lives > 0 && lives < (best.get(name) ?? 0)) violations.push({ checker: 'durability', message: name });
        best.set(name, Math.max(lives, best.get(name) ?? 0));
      }
    };
    for (let step = 0; step < 100; step++) {
      await world.run(100);
      watch();
    }
    const counts = storm.report();
    world.calm();
    await world.runUntil(() => world.everyNode((lives) => lives > 0), { withinMs: 1_000, what: 'all are back' });
    watch();
    return { traceHash: world.traceHash(), violations, counts };
  },
});
assertSeeds(report, { mustHappen: ['crash', 'host-crash', 'pause'] });
console.log(`${report.seedCount} seeds, ${report.counts['host-crash'] ?? 0} power cuts, nothing forgotten`);
