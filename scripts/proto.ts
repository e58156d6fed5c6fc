import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Generates the code of every package that has schemas, where its `buf.gen.yaml` says; with --check only compares, and
// fails when the committed code is not what the schemas give.
const check = process.argv.includes('--check');
const folders = readdirSync('packages')
  .map((name) => join('packages', name))
  .filter((folder) => existsSync(join(folder, 'buf.gen.yaml')));

let stale = 0;
for (const folder of folders) {
  const out = check ? mkdtempSync(join(tmpdir(), 'grp-proto-')) : '.';
  const { status } = spawnSync('buf', ['generate', '--output', out], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  if (!check) continue;
  const place = /^ *out: (\S+)$/m.exec(readFileSync(join(folder, 'buf.gen.yaml'), 'utf8'))?.[1] ?? '';
  const wanted = filesBelow(join(out, place));
  const found = filesBelow(join(folder, place));
  for (const name of new Set([...wanted.keys(), ...found.keys()])) {
    if (wanted.get(name) === found.get(name)) continue;
    console.error(`${join(folder, place, name)} is not what its schema gives: npm run proto`);
    stale++;
  }
  rmSync(out, { recursive: true });
}
process.exitCode = stale === 0 ? 0 : 1;

function filesBelow(folder: string): Map<string, string> {
  if (!existsSync(folder)) return new Map();
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
