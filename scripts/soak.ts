import { runNamed } from './find-runnable.ts';

process.exitCode = await runNamed('soak', process.argv.slice(2));
