#!/usr/bin/env node
// The published command. The compile cache saves about a sixth of the start-up.
import module from 'node:module';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  console.error(`grp needs Node.js 22.12 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}
module.enableCompileCache?.();
const { runCli } = await import('../dist/main.js');
process.exit(await runCli(process.argv.slice(2), { root: new URL('..', import.meta.url) }));
