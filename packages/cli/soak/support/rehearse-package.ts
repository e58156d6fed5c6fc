import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closure, type Packed } from './packages.ts';
import { runCommand, type CommandResult } from './run-command.ts';

export interface PackageResult {
  readonly name: string;
  readonly tarballBytes: number;
  readonly installedMs: number;
  /** What the README's example printed; null for a package whose README has no program. */
  readonly printed: string | null;
  readonly problems: readonly string[];
}

const installMs = 300_000;
const exampleMs = 60_000;
const memberMs = 8_000;

/** Installs a package from its tarball into an empty folder, and runs what its README says. */
export async function rehearsePackage(
  one: Packed,
  packed: ReadonlyMap<string, Packed>,
  folder: string,
): Promise<PackageResult> {
  const { name, tarballBytes } = one;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }\n');
  const example = exampleOf(one);
  const wanted = [name, ...(example === undefined ? [] : importsOf(example))];
  const install = await runCommand(
    'npm',
    // Ours come from tarballs, all in one command: no registry has them yet.
    [
      'install',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      ...closure(wanted, packed).map(({ tarball }) => tarball),
    ],
    { cwd: folder, timeoutMs: installMs, env: strangersEnvironment() },
  );
  const begun = { name, tarballBytes, installedMs: install.tookMs };
  if (install.code !== 0) {
    const problem = `${name}: npm install ended with ${install.code ?? 'a signal'}: ${install.output.slice(-600)}`;
    return { ...begun, printed: null, problems: [problem] };
  }
  const problems = [...leftovers(one, folder)];
  let printed: string | null = null;
  if (example !== undefined) {
    writeFileSync(join(folder, 'example.ts'), example);
    const run = await runExample(example, folder);
    printed = run.stdout;
    if (run.code !== 0)
      problems.push(`${name}: the README's example ended with ${run.code ?? 'its time'}: ${run.output.slice(-600)}`);
    else if (run.stdout === '') problems.push(`${name}: the README's example printed nothing`);
  } else if (name === '@grp/cli') problems.push(...(await commandProblems(folder)));
  else problems.push(`${name}: its README has no example to run`);
  return { ...begun, printed, problems };
}

/** A README's program; where it wants a member at the default port, there is one, as the text around it says. */
async function runExample(example: string, folder: string): Promise<CommandResult> {
  const wantsSeed = example.includes("join(['127.0.0.1:7946'])");
  const options = { cwd: folder, timeoutMs: exampleMs, env: strangersEnvironment() };
  const seed = wantsSeed ? await startSeed(folder) : undefined;
  const args = ['--disable-warning=ExperimentalWarning', 'example.ts'];
  try {
    // A member goes on until it is told to leave.
    return await runCommand('node', args, { ...options, ...(wantsSeed && { endAfterMs: memberMs }) });
  } finally {
    seed?.kill();
  }
}

const seedProgram = `
import { createSwim } from '@grp/swim';
import { openNetwork } from '@grp/transport-udp';
createSwim(await openNetwork({ bind: '127.0.0.1:7946' }), { name: 'seed' }).start();
console.log('there');
`;

async function startSeed(folder: string): Promise<ChildProcess> {
  writeFileSync(join(folder, 'seed.js'), seedProgram);
  const seed = spawn('node', ['seed.js'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: strangersEnvironment(),
  });
  await Promise.race([once(seed.stdout, 'data'), once(seed, 'close')]); // a port that is taken shows in the example
  return seed;
}

/** The first program in the README that uses the package and prints something, or the example that the README names. */
function exampleOf({ name, folder }: Packed): string | undefined {
  const file = join(folder, 'README.md');
  if (name === '@grp/cli' || !existsSync(file)) return undefined; // the command is run instead
  const text = readFileSync(file, 'utf8');
  const programs = [...text.matchAll(/^```(?:ts|js)\n([\s\S]*?)^```$/gm)].map(([, code]) => code ?? '');
  const whole = programs.find((code) => code.includes(`'${name}`) && code.includes('console.log'));
  const named = /\]\((examples\/[\w-]+\.ts)\)/.exec(text)?.[1];
  return whole ?? (named === undefined ? undefined : readFileSync(join(folder, named), 'utf8'));
}

function importsOf(code: string): readonly string[] {
  return [...code.matchAll(/from '(@grp\/[a-z-]+)/g)].map(([, name]) => name ?? '');
}

/** What a stranger would trip over: a range that only our workspace understands. */
function leftovers({ name }: Packed, folder: string): readonly string[] {
  const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
  const found = ['workspace:', 'catalog:'].filter(
    (range) => manifest.includes(`"${range}`) && inDependencies(manifest, range),
  );
  return found.map((range) => `${name}: its published package.json says ${range}`);
}

function inDependencies(text: string, range: string): boolean {
  const { dependencies = {} } = JSON.parse(text) as { readonly dependencies?: Readonly<Record<string, string>> };
  return Object.values(dependencies).some((version) => version.startsWith(range));
}

/** The command as `npx` finds it. */
async function commandProblems(folder: string): Promise<readonly string[]> {
  const grp = join(folder, 'node_modules', '.bin', 'grp');
  const problems: string[] = [];
  for (const args of [
    ['--version'],
    ['--help'],
    ['lab', 'run', 'gms2-crash', '--json'],
    ['cluster', 'status', '--json'],
  ]) {
    const { code, output } = await runCommand(grp, args, {
      cwd: folder,
      timeoutMs: 60_000,
      env: strangersEnvironment(),
    });
    const wanted = args[0] === 'cluster' ? 3 : 0; // there is none in an empty folder, and that is what it must say
    if (code !== wanted)
      problems.push(`@grp/cli: grp ${args.join(' ')} ended with ${code ?? 'its time'}: ${output.slice(-400)}`);
  }
  return problems;
}

/** Nothing of the workspace reaches the stranger. */
function strangersEnvironment(): NodeJS.ProcessEnv {
  const dropped = /^(npm_|GRP_|NODE_OPTIONS$|INIT_CWD$)/i;
  const kept = Object.entries(process.env).filter(
    ([name]) => !dropped.test(name) || /^npm_config_(registry|cache)/i.test(name),
  );
  return Object.fromEntries(kept);
}
