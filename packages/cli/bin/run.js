#!/usr/bin/env node
// The published command. The compile cache saves about a sixth of the start-up.
import { enableCompileCache } from 'node:module';

enableCompileCache?.();
const { runCli } = await import('../dist/main.js');
process.exit(await runCli(process.argv.slice(2), { root: new URL('..', import.meta.url) }));
