import { globSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { runCommand } from './run-command.ts';

/** A package of the workspace that is published. */
export interface PublicPackage {
  readonly name: string;
  readonly folder: string;
  /** Packages of ours that it is installed with. */
  readonly dependencies: readonly string[];
}

export interface Packed extends PublicPackage {
  readonly tarball: string;
  readonly tarballBytes: number;
}

export function publicPackages(): readonly PublicPackage[] {
  const packages: PublicPackage[] = [];
  for (const file of globSync('packages/*/package.json').toSorted()) {
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly name: string;
      readonly private?: boolean;
      readonly dependencies?: Readonly<Record<string, string>>;
    };
    if (manifest.private === true) continue;
    const dependencies = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@grp/'));
    packages.push({ name: manifest.name, folder: resolve(dirname(file)), dependencies });
  }
  return packages;
}

/** Packs each as it would be published: `workspace:` ranges become versions. */
export async function packAll(packages: readonly PublicPackage[], to: string): Promise<ReadonlyMap<string, Packed>> {
  mkdirSync(to, { recursive: true });
  const packed = new Map<string, Packed>();
  for (const one of packages) {
    const args = ['pack', '--pack-destination', to, '--json'];
    const { code, stdout, output } = await runCommand('pnpm', args, { cwd: one.folder, timeoutMs: 120_000 });
    if (code !== 0) throw new Error(`pnpm pack of ${one.name} ended with ${code}: ${output}`);
    const { filename } = JSON.parse(stdout) as { filename: string };
    const tarball = join(to, filename.split('/').at(-1) as string);
    packed.set(one.name, { ...one, tarball, tarballBytes: statSync(tarball).size });
  }
  return packed;
}

/** These and all of ours that they need. */
export function closure(names: readonly string[], packed: ReadonlyMap<string, Packed>): readonly Packed[] {
  const found = new Map<string, Packed>();
  const visit = (name: string): void => {
    const one = packed.get(name);
    if (one === undefined || found.has(name)) return;
    found.set(name, one);
    for (const dependency of one.dependencies) visit(dependency);
  };
  for (const name of names) visit(name);
  return [...found.values()];
}
