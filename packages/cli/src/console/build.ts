import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { consoleError } from './errors.ts';
import { consoleFolder, consolePackage } from './folder.ts';

/**
 * The folder of the built page. From sources it is built first when it is missing or older than they are, which takes
 * about two seconds; the published command has it already.
 * @throws GrpError CONSOLE_BUILD_FAILED, CONSOLE_NONE
 */
export async function builtConsole(say: (text: string) => void = () => {}): Promise<string> {
  const folder = consoleFolder();
  const sources = consolePackage();
  if (sources === undefined) {
    if (!existsSync(join(folder, 'index.html'))) throw consoleError('CONSOLE_NONE', { context: { folder } });
    return folder;
  }
  if (!(await isFresh(sources, folder))) {
    say('Building the console.');
    await build(sources, folder);
  }
  return folder;
}

async function isFresh(sources: string, folder: string): Promise<boolean> {
  const built = await stat(join(folder, 'index.html')).catch(() => undefined);
  if (built === undefined) return false;
  const packages = dirname(dirname(join(sources, 'package.json')));
  // What the page is made of: itself, and the packages that run in the lab.
  const parts = ['console/src', 'console/page', 'console/index.html', 'console/vite.config.ts'];
  const lab = ['lab', 'sim', 'core', 'dfs', 'gms', 'link', 'ordering', 'raft', 'swim'].map((name) => `${name}/src`);
  const times = await Promise.all([...parts, ...lab].map((part) => newest(join(packages, part))));
  return Math.max(...times) <= built.mtimeMs;
}

async function newest(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const times = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).mtimeMs),
  );
  return Math.max(0, ...times);
}

/** Builds beside the old page and then changes the two, so that a node never reads half of one. */
async function build(sources: string, folder: string): Promise<void> {
  const part = `${folder}.${process.pid}`;
  try {
    const vite = join(
      dirname(createRequire(join(sources, 'package.json')).resolve('vite/package.json')),
      'bin/vite.js',
    );
    // Whoever runs this, a test for example, may be in another mode: the page is always the one that is published.
    const env = { ...process.env, NODE_ENV: 'production' };
    const args = [vite, 'build', '--outDir', part, '--emptyOutDir'];
    await promisify(execFile)(process.execPath, args, { cwd: sources, env });
    await rm(folder, { recursive: true, force: true });
    await rename(part, folder);
  } catch (cause) {
    const { stderr, message } = cause as Error & { readonly stderr?: string };
    const reason = (stderr ?? message).trim().split('\n').slice(-3).join(' ');
    throw consoleError('CONSOLE_BUILD_FAILED', { context: { reason }, cause });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}
