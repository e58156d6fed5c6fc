// The release, rehearsed: every package built, packed, installed from its tarball into an empty folder by npm, and its
// README's example run there as a stranger would run it; then the versions and changelogs that the changesets make.
//
//   npm run soak -- release [--package NAME,…] [--no-build] [--keep]
//
// Third-party packages come from the npm registry. One JSON document on stdout, progress on stderr. Exit code 0, or 8 when
// something of a release does not work; 2: usage.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rehearseChangesets } from './support/changesets.ts';
import { packAll, publicPackages, type Packed } from './support/packages.ts';
import { rehearsePackage, type PackageResult } from './support/rehearse-package.ts';
import { runCommand } from './support/run-command.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  const given = readArguments();
  if (given === undefined) {
    process.stderr.write('usage: npm run soak -- release [--package NAME,…] [--no-build] [--keep]\n');
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'grp-release-'));
  try {
    if (given.build) await build();
    const packed = await packAll(publicPackages(), join(folder, 'tarballs'));
    const wanted = [...packed.values()].filter(
      ({ name }) => given.names.length === 0 || given.names.includes(short(name)),
    );
    const results: PackageResult[] = [];
    for (const one of wanted) results.push(await rehearsed(one, packed, folder));
    const changesets = given.names.length > 0 ? undefined : await rehearseChangesets(join(folder, 'versions'));
    const problems = [...results.flatMap((result) => result.problems), ...(changesets?.problems ?? [])];
    const report = {
      schema: 'grp.release.rehearsal/1',
      ok: problems.length === 0,
      packages: results,
      changesets,
      problems,
    };
    process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    return problems.length === 0 ? 0 : 8;
  } finally {
    if (given.keep) process.stderr.write(`kept: ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

async function rehearsed(one: Packed, packed: ReadonlyMap<string, Packed>, folder: string): Promise<PackageResult> {
  const result = await rehearsePackage(one, packed, join(folder, 'installed', short(one.name)));
  const { name, problems, installedMs, tarballBytes } = result;
  const outcome = problems.length === 0 ? 'well' : problems.join('; ');
  process.stderr.write(`${name}: ${Math.ceil(tarballBytes / 1_024)} KiB, installed in ${installedMs} ms, ${outcome}\n`);
  return result;
}

async function build(): Promise<void> {
  process.stderr.write('building\n');
  const { code, output } = await runCommand('turbo', ['run', 'build'], { timeoutMs: 600_000 });
  if (code !== 0) throw new Error(`turbo run build ended with ${code}:\n${output.slice(-4_000)}`);
}

function short(name: string): string {
  return name.replace('@grp/', '');
}

function readArguments(): { names: readonly string[]; build: boolean; keep: boolean } | undefined {
  try {
    const { values } = parseArgs({
      options: { package: { type: 'string' }, 'no-build': { type: 'boolean' }, keep: { type: 'boolean' } },
    });
    const names = (values.package ?? '').split(',').filter((name) => name !== '');
    return { names, build: values['no-build'] !== true, keep: values.keep === true };
  } catch {
    return undefined;
  }
}
