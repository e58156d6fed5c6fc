// Membership, ours beside serf's, from sources: node --conditions=@grp/source packages/cli/bench/swim.ts [flags of "grp bench swim"]
import { runCli } from '../src/main.ts';
import { sourceOptions } from '../src/source-options.ts';

process.exit(await runCli(['bench', 'swim', ...process.argv.slice(2)], sourceOptions()));
