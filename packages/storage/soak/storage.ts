// Many lives of many logs with random work and trouble: npm run soak -- storage --seeds 1..10000 [--lives 12]
import { parseArgs } from 'node:util';
import { Lives } from '../test/lives.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1..2000' }, lives: { type: 'string', default: '12' } },
});
const [from = 1, to = from] = values.seeds.split('..').map(Number);
const startedAt = performance.now();
let damagedLives = 0;
let lifeCount = 0;
const failures: string[] = [];
for (let seed = from; seed <= to; seed++) {
  const lives = new Lives(seed);
  for (let life = 0; life < Number(values.lives); life++) {
    const losses = await lives.life().catch((cause: unknown) => [String(cause)]);
    lifeCount++;
    if (losses.length === 0) continue;
    failures.push(`seed ${seed}, life ${life}: ${losses.slice(0, 3).join('; ')}`);
    break;
  }
  damagedLives += lives.damagedLives;
}
const seconds = (performance.now() - startedAt) / 1_000;
console.log(JSON.stringify({ schema: 'grp.soak.storage/1', from, to, lifeCount, damagedLives, seconds, failures }));
process.exitCode = failures.length === 0 ? 0 : 8;
