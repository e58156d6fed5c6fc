import { runNamed } from './find-runnable.ts';

process.exitCode = await runNamed('bench', process.argv.slice(2));
