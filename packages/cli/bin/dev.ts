// The same command from sources, without a build: node --conditions=@grp/source bin/dev.ts
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runCli } = await import('../src/main.ts');
const { sourceOptions } = await import('../src/source-options.ts');
process.exit(await runCli(process.argv.slice(2), sourceOptions()));
