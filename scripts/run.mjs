// One command per task, from a fresh clone, on any Node ≥ 20: brings pnpm and Node 24 from npm, installs what the
// lockfile says, then runs the task on that Node. Dependency-free on purpose: nothing is installed when it starts.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const windows = process.platform === 'win32';
const sources = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning'];
const grp = [...sources, 'packages/cli/bin/dev.ts'];

/** Task → the commands it runs in turn; further arguments go to the last one. */
const tasks = {
  demo: [['node', ...grp, 'demo']],
  docs: [['node', ...sources, 'scripts/api-docs.ts']],
  grp: [['node', ...grp]],
  test: [['vitest', 'run']],
  bench: [['node', ...sources, 'scripts/bench.ts']],
  soak: [['node', ...sources, 'scripts/soak.ts']],
  verify: [
    ['oxfmt', '--check', '.'],
    ['oxlint', '--deny-warnings'],
    ['turbo', 'boundaries'],
    ['node', ...sources, 'scripts/proto.ts', '--check'],
    ['tsc', '-p', 'tsconfig.json'],
    ['knip'],
    ['node', ...sources, 'scripts/api-docs.ts', '--check'],
    ['vitest', 'run', '--project', 'unit'],
    ['turbo', 'run', 'build'],
    ['node', ...sources, 'scripts/package-shape.ts'],
  ],
  proto: [['node', ...sources, 'scripts/proto.ts']],
  fix: [
    ['oxlint', '--fix'],
    ['oxfmt', '.'],
  ],
};

const [task, ...rest] = process.argv.slice(2);
if (task === undefined || !Object.hasOwn(tasks, task)) {
  fail(`usage: node scripts/run.mjs ${Object.keys(tasks).join('|')} [arguments]`, 2);
}

const pnpm = setUpPnpm();
installDependencies();
const env = taskEnvironment();
for (const [position, [command, ...args]] of tasks[task].entries()) {
  const last = position === tasks[task].length - 1;
  if (task === 'verify') process.stderr.write(`\n› ${command} ${args.join(' ')}\n`);
  const code = await run(command, last ? [...args, ...rest] : args);
  if (code !== 0) process.exit(code);
}

function setUpPnpm() {
  const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager.split('@')[1];
  const prefix = join(root, '.tools', `pnpm-${version}`);
  const entry = join(prefix, 'node_modules', 'pnpm', 'bin', 'pnpm.mjs');
  if (!existsSync(entry)) {
    note(`bringing pnpm ${version}`);
    mkdirSync(prefix, { recursive: true });
    const npm = process.env.npm_execpath;
    const args = ['install', '--ignore-scripts', '--no-save', '--no-package-lock', '--prefer-offline'];
    args.push('--fetch-retries=1', '--loglevel=error', `--prefix=${prefix}`, `pnpm@${version}`);
    const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
    const done = spawnSync(command, [...first, ...args], {
      cwd: prefix,
      env: cleanEnvironment(),
      stdio: ['ignore', 2, 2],
      shell: windows && command === 'npm',
    });
    if (done.status !== 0 || !existsSync(entry)) fail(`cannot install pnpm ${version}: is the npm registry reachable?`);
  }
  return { prefix, entry };
}

function installDependencies() {
  const hash = createHash('sha256');
  const manifests = ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml'];
  for (const name of readdirSync(join(root, 'packages'))) manifests.push(join('packages', name, 'package.json'));
  for (const file of manifests) if (existsSync(join(root, file))) hash.update(readFileSync(join(root, file)));
  const stamp = join(root, 'node_modules', '.setup-stamp');
  const wanted = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  note('installing what the lockfile says');
  const done = spawnSync(process.execPath, [pnpm.entry, 'install', '--frozen-lockfile', '--prefer-offline'], {
    cwd: root,
    env: { ...cleanEnvironment(), CI: 'true' },
    stdio: ['ignore', 2, 2],
  });
  if (done.status !== 0) fail('pnpm install failed; its own message is above');
  writeFileSync(stamp, wanted);
}

/** npm hands its own settings down; they would redirect the inner npm and pnpm. */
function cleanEnvironment() {
  const dropped = /^npm_(config_(prefix|global|local_prefix)$|package_|lifecycle_)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !dropped.test(name)));
}

function taskEnvironment() {
  const path = [join(root, 'node_modules', '.bin')];
  // turbo spawns `pnpm`: the real binary must come before a corepack shim.
  const scope = join(pnpm.prefix, 'node_modules', '@pnpm');
  if (existsSync(scope)) for (const name of readdirSync(scope)) path.push(join(scope, name));
  const bundledNode = existsSync(join(root, 'node_modules', '.bin', windows ? 'node.exe' : 'node'));
  if (!bundledNode) {
    const major = Number(process.versions.node.split('.')[0]);
    if (major < 22) fail(`no Node 24 package for ${process.platform}-${process.arch}; run this with Node ≥ 22.12`);
    note(`no Node 24 package for ${process.platform}-${process.arch}: using Node ${process.versions.node}`);
  }
  const clean = cleanEnvironment();
  const key = Object.keys(clean).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  // How hints spell the command, for whoever types it through npm.
  const invocation = ['grp', 'demo'].includes(task) ? { GRP_INVOCATION: 'npm run grp --' } : {};
  return { ...clean, [key]: [...path, clean[key]].join(delimiter), ...invocation };
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: 'inherit', shell: windows });
    // On a terminal the child gets Ctrl-C itself; a signal sent to this process alone must be handed on.
    const forward = (signal) => {
      if (!process.stdin.isTTY || signal !== 'SIGINT') child.kill(signal);
    };
    process.on('SIGINT', forward);
    process.on('SIGTERM', forward);
    child.on('error', (error) => fail(`cannot start ${command}: ${error.message}`));
    child.on('close', (code, signal) => {
      process.off('SIGINT', forward);
      process.off('SIGTERM', forward);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

function note(text) {
  process.stderr.write(`grp setup: ${text}\n`);
}

function fail(text, code = 1) {
  process.stderr.write(`grp setup: ${text}\n`);
  process.exit(code);
}
