// One node of a local cluster, as a process of its own. Without oclif it starts in a third of the time and memory.
// Usage: node node-main.js OPTIONS.json EXIT.json
import { readFileSync, writeFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import type { GrpError } from '@grp/core';
import type { NodeSpec } from './run-node.ts';

enableCompileCache();
const [optionsFile = '', exitFile = ''] = process.argv.slice(2);
const spec = JSON.parse(readFileSync(optionsFile, 'utf8')) as NodeSpec;
process.title = `grp node ${spec.options.name ?? ''}`;
let ended: GrpError | undefined;
// Nobody may be waiting for this process: its last word is a file, also when it crashes.
process.on('exit', (code) => {
  writeFileSync(
    exitFile,
    `${JSON.stringify({ pid: process.pid, code, ...(ended === undefined ? {} : { error: ended }) })}\n`,
  );
});
const { runNode } = await import('./run-node.ts');
try {
  await runNode(spec, () => {});
  process.exit(0);
} catch (thrown) {
  const { exitCodeOf, toGrpError } = await import('./report.ts');
  ended = toGrpError(thrown);
  process.stderr.write(`grp: ${ended.message}\n${ended.hint === undefined ? '' : `  ${ended.hint}\n`}`);
  if (ended.code === 'CLI_INTERNAL') process.stderr.write(`${String((thrown as Error).stack)}\n`);
  process.exit(exitCodeOf(ended));
}
