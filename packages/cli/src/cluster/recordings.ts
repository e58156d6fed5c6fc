import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the nodes of a cluster record, below its folder. */
export const recordingsFolder = 'recordings';

const ending = '.trace';

/** Removes what the last cluster in this folder recorded, and makes room for the next. */
export async function clearRecordings(dir: string): Promise<void> {
  const folder = join(dir, recordingsFolder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** A file for the next life of a node: a restart leaves the recording of the life before as it is. */
export async function nextRecording(dir: string, id: string): Promise<string> {
  const folder = join(dir, recordingsFolder);
  const lives = (await recordingsIn(folder)).filter((file) => file.startsWith(`${id}-`)).length;
  return join(folder, `${id}-${lives + 1}${ending}`);
}

/** The recordings in a folder, or in that of a cluster; by name, numbers as numbers. */
export async function recordingsOf(folder: string): Promise<readonly string[]> {
  const inner = join(folder, recordingsFolder);
  const own = await recordingsIn(inner);
  const [base, files] = own.length > 0 ? [inner, own] : [folder, await recordingsIn(folder)];
  return files.map((file) => join(base, file));
}

async function recordingsIn(folder: string): Promise<readonly string[]> {
  const files = await readdir(folder).catch((): string[] => []);
  return files.filter((file) => file.endsWith(ending)).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
