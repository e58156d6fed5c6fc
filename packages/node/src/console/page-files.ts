import { readFile, readdir, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

/** One file of the console, as it is served. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** Its name changes with its content, so that browsers may keep it. */
  readonly isNamedByContent: boolean;
}

const filesMax = 64;
const bytesMax = 8 * 1_048_576;
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * The files of a built page, held in memory: what a request asks for is looked up by its name and never becomes a path.
 * They are read when the first request comes, and again when the page has been built anew.
 */
export class PageFiles {
  readonly #folder: string;
  #files: ReadonlyMap<string, PageFile> = new Map();
  #builtAt = -1;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** By its path below `/`; the page itself is `index.html`. Undefined: there is no such file, or nothing is built. */
  async find(path: string): Promise<PageFile | undefined> {
    if (path === 'index.html' || this.#builtAt === -1) await this.#refresh();
    return this.#files.get(path);
  }

  async #refresh(): Promise<void> {
    try {
      const { mtimeMs } = await stat(join(this.#folder, 'index.html'));
      if (mtimeMs === this.#builtAt) return;
      this.#files = await readAll(this.#folder);
      this.#builtAt = mtimeMs;
    } catch {
      // Not built, or being built: what is known stays.
    }
  }
}

async function readAll(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  let size = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const type = types[extname(entry.name)];
    if (type === undefined || !entry.isFile() || files.size >= filesMax) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    size += bytes.length;
    if (size > bytesMax) break;
    const name = path
      .slice(folder.length)
      .replace(/^[/\\]/, '')
      .replaceAll(sep, '/');
    files.set(name, { type, bytes, isNamedByContent: name.startsWith('assets/') });
  }
  return files;
}
