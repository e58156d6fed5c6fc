import { existsSync, globSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { publicPackages } from './packages.ts';
import { runCommand } from './run-command.ts';

export interface ChangesetsResult {
  /** Version that each package would be released with. */
  readonly versions: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
}

/** Lets the changesets make versions and changelogs, in a clone of the repository. */
export async function rehearseChangesets(clone: string): Promise<ChangesetsResult> {
  const root = resolve('.');
  const problems: string[] = [];
  const cloned = await runCommand('git', ['clone', '--quiet', '--local', root, clone], { timeoutMs: 120_000 });
  if (cloned.code !== 0) return { versions: {}, problems: [`changesets: git clone failed: ${cloned.output}`] };
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  const changeset = join(root, 'node_modules', '.bin', 'changeset');
  const versioned = await runCommand(changeset, ['version'], { cwd: clone, timeoutMs: 120_000 });
  if (versioned.code !== 0)
    return { versions: {}, problems: [`changeset version failed: ${versioned.output.slice(-600)}`] };
  const left = globSync('.changeset/*.md', { cwd: clone }).filter((file) => !file.endsWith('README.md'));
  if (left.length > 0) problems.push(`changesets: left over: ${left.join(', ')}`);
  const versions: Record<string, string> = {};
  for (const { name, folder } of publicPackages()) {
    const own = join(clone, 'packages', folder.split('/').at(-1) as string);
    if (!existsSync(join(own, 'package.json'))) {
      problems.push(`changesets: ${name} is not committed`);
      continue;
    }
    const { version } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { version: string };
    versions[name] = version;
    if (version === '0.0.0') problems.push(`changesets: nothing releases ${name}; add one with changeset add`);
    else if (!existsSync(join(own, 'CHANGELOG.md'))) problems.push(`changesets: ${dirname(own)} has no CHANGELOG.md`);
  }
  return { versions, problems };
}
