// Every schedule of a small raft cluster, of the production core: three servers, two terms, three entries, in which any
// message may come at any time or never, any write may be durable at any time, and servers lose their power.
// `npm run soak -- raft-explore [--states N] [--terms N] [--entries N] [--crashes N] [--mutant RULE] [--order depth|rare]
// [--prefix 'elect a b,sync a,crash a,lose'] [--story]`.
//
// A server's state is known by what it did: the inputs that led to it. Two histories count as one state when everything
// that can be seen of the server (its status, its log, its disk) is equal; each is then represented by the shorter one. A
// difference that cannot be seen from outside may be missed, so whatever is found is done once more by fresh servers.
//
// Left out is only what leads nowhere else: a message that changes nothing when it arrives, and what a server does that is
// another one's mirror image. `--order` and `--prefix` say what comes first, not what is there: an exploration that ends
// before its limit of states has met the same states in either order.
import { parseArgs } from 'node:util';
import { explore } from './support/exploration.ts';
import { mutants, type Mutant } from './support/raft-mutants.ts';

const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '10000000' },
    terms: { type: 'string' },
    entries: { type: 'string' },
    crashes: { type: 'string' },
    mutant: { type: 'string' },
    order: { type: 'string' },
    prefix: { type: 'string' },
    story: { type: 'boolean', default: false },
  },
});
const { mutant: name } = values;
const chosen: Mutant | undefined = name === undefined ? { rules: {} } : mutants[name];
if (chosen === undefined) throw new Error(`--mutant is one of ${Object.keys(mutants).join(', ')}`);
const { rules, bounds: own, prefix: ownPrefix = [] } = chosen;
const bounds = {
  states: Number(values.states),
  terms: Number(values.terms ?? own?.terms ?? 2),
  entries: Number(values.entries ?? own?.entries ?? 3),
  crashes: Number(values.crashes ?? own?.crashes ?? 1),
};
// Little memory for what is long and finds nothing; what there is to find soon for a mutant.
const { order = name === undefined ? 'depth' : 'rare' } = values;
if (order !== 'depth' && order !== 'rare') throw new Error('--order is depth or rare');
const prefix = values.prefix?.split(',').filter((words) => words !== '') ?? ownPrefix;
const startedAt = performance.now();
const found = explore(bounds, rules, { order, prefix, tellsStory: values.story || name !== undefined });
const ok = name === undefined ? found.problem === undefined : found.problem !== undefined && found.isReal;
const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
const about = { soak: 'raft-explore', ok, ...bounds, order, prefix, mutant: name ?? null };
process.stdout.write(`${JSON.stringify({ ...about, ...found, problem: found.problem ?? null, seconds })}\n`);
if (!ok) process.exitCode = 8;
