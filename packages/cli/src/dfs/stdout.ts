import { once } from 'node:events';

/** Writes bytes as they are; resolves when more may follow. */
export async function writeToStdout(bytes: Buffer): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}
