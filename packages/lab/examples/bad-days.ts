import { chaosRun, killRun } from '@grp/lab';

// Twenty kills among ten members while a quarter of all datagrams is lost.
const { figures, violations } = killRun({ seed: 1, nodeCount: 10, network: { loss: 0.25 }, kills: 20 });
console.log(`${figures['kills']} kills, each in all lists in time: ${violations.length === 0}`);

// Crashes, leaves, pauses, cuts, partitions, loss and wrong clocks, then calm.
let broken = 0;
for (let seed = 1; seed <= 20; seed++) {
  const report = chaosRun({ seed, nodeCount: 6, durationMs: 40_000 });
  for (const { checker, at, message } of report.violations) console.log(seed, checker, at, message);
  broken += report.violations.length;
}
console.log(`20 bad days, ${broken} violations`);
