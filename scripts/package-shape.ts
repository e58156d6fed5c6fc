// Packs every package as it would be published and judges the tarball: exports, types resolution, licence, no leftovers.
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly exports?: unknown;
}

const problems: string[] = [];
const out = mkdtempSync(join(tmpdir(), 'grp-pack-'));
for (const file of globSync('packages/*/package.json').toSorted()) {
  const folder = dirname(file);
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  if (manifest.private === true) continue;
  if (manifest.license !== 'MIT') problems.push(`${manifest.name}: the licence field must be MIT`);
  const { messages, pkg } = await publint({ pkgDir: folder, strict: true });
  for (const message of messages) problems.push(`${manifest.name}: ${formatMessage(message, pkg) ?? message.code}`);
  if (manifest.exports !== undefined) checkTypes(folder, manifest.name);
  process.stdout.write(`${manifest.name}: checked\n`);
}
rmSync(out, { recursive: true, force: true });
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

function checkTypes(folder: string, name: string): void {
  try {
    const packed = execFileSync('pnpm', ['pack', '--pack-destination', out, '--json'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const { filename } = JSON.parse(packed) as { filename: string };
    execFileSync('attw', [filename, '--profile', 'esm-only', '--format', 'ascii'], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    problems.push(`${name}: ${stdout}${stderr}`);
  }
}
