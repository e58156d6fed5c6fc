// Writes docs/third-party.md: what an install of our packages brings besides them, and under which licence. With --check
// it only compares; either way a licence that we may not pass on fails.
import { readFileSync, writeFileSync } from 'node:fs';
import { isAllowed, runtimeDependencies } from './runtime-dependencies.ts';
import { noticesText } from './third-party-text.ts';

const file = 'docs/third-party.md';
const dependencies = runtimeDependencies(process.cwd());
const text = noticesText(dependencies);
const refused = dependencies.filter(({ licence }) => !isAllowed(licence));
for (const { name, version, licence } of refused)
  process.stderr.write(`${name} ${version}: ${licence} is not allowed\n`);
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write(`${file} is out of date: node scripts/third-party.ts\n`);
  process.exitCode = 1;
}
if (refused.length > 0) process.exitCode = 1;
