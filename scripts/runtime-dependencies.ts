import { existsSync, globSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A package of somebody else's that is installed with one of ours. */
export interface Dependency {
  readonly name: string;
  readonly version: string;
  /** SPDX, as its package.json says. */
  readonly licence: string;
  /** Our packages that bring it, directly or through others. */
  readonly usedBy: readonly string[];
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string | { readonly type: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Licences under which everything that we bring may be passed on with ours. BlueOak-1.0.0 asks for less than MIT does; it is
 * that of minimatch, which comes with oclif.
 */
export const allowedLicences: readonly string[] = [
  'MIT',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  '0BSD',
  'BlueOak-1.0.0',
];

/** Every third-party package that an install of our published packages brings, by name; nothing of development. */
export function runtimeDependencies(root: string): readonly Dependency[] {
  const found = new Map<string, { manifest: Manifest; usedBy: Set<string> }>();
  for (const file of globSync('packages/*/package.json', { cwd: root }).toSorted()) {
    const folder = join(root, dirname(file));
    const manifest = readManifest(folder);
    if (manifest.private === true) continue;
    walk(folder, manifest, manifest.name, found);
  }
  return [...found.values()]
    .map(({ manifest, usedBy }) => ({
      name: manifest.name,
      version: manifest.version,
      licence: typeof manifest.license === 'string' ? manifest.license : (manifest.license?.type ?? 'none'),
      usedBy: [...usedBy].toSorted(),
    }))
    .toSorted((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}

function walk(
  folder: string,
  manifest: Manifest,
  owner: string,
  found: Map<string, { manifest: Manifest; usedBy: Set<string> }>,
): void {
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    if (name.startsWith('@grp/')) continue; // it is walked as a package of its own
    const installed = folderOf(name, folder);
    if (installed === undefined) continue; // optional, and not for this platform
    const own = readManifest(installed);
    const key = `${own.name}@${own.version}`;
    const known = found.get(key) ?? { manifest: own, usedBy: new Set<string>() };
    if (known.usedBy.has(owner)) continue;
    known.usedBy.add(owner);
    found.set(key, known);
    walk(installed, own, owner, found);
  }
}

/** Where Node would find a package from a folder. */
function folderOf(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    if (dirname(folder) === folder) return undefined;
  }
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** An SPDX expression allows it when one side of an `OR`, and both sides of an `AND`, are in the list. */
export function isAllowed(licence: string): boolean {
  const bare = licence.replaceAll(/[()]/g, '');
  return bare.split(/ OR /).some((side) => side.split(/ AND /).every((part) => allowedLicences.includes(part.trim())));
}
