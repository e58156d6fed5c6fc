import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { spawn } from 'node:child_process';

/** Runs `packages/*\/FOLDER/NAME.ts` with the remaining arguments, or lists what there is; resolves with the exit code. */
export async function runNamed(folder: 'bench' | 'soak', [name, ...rest]: readonly string[]): Promise<number> {
  const files = new Map(globSync(`packages/*/${folder}/*.ts`).map((file) => [basename(file, '.ts'), file]));
  const file = name === undefined ? undefined : files.get(name);
  if (file === undefined) {
    const names = [...files.keys()].toSorted().join(', ');
    process.stderr.write(`usage: npm run ${folder} -- NAME [arguments]\nNAME is one of: ${names}\n`);
    return 2;
  }
  const child = spawn(process.execPath, [...process.execArgv, file, ...rest], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
