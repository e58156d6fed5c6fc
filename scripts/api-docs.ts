// The API reference: `docs/api`, one module for each entry point of each published package. `--check` writes nothing.
// What is exported without a docstring, and what a docstring gets wrong, is an error.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  Application,
  ReflectionType,
  TSConfigReader,
  type DeclarationReflection,
  type ProjectReflection,
} from 'typedoc';

const out = 'docs/api';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

/** Source file → what users import. */
function entryPoints(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const folder of readdirSync('packages')) {
    const file = join('packages', folder, 'package.json');
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
    if (manifest.private === true) continue;
    for (const [path, target] of Object.entries(manifest.exports ?? {})) {
      const source = typeof target === 'string' ? undefined : target['@grp/source'];
      if (source !== undefined) found.set(join('packages', folder, source), manifest.name + path.slice(1));
    }
  }
  return found;
}

async function open(files: readonly string[]): Promise<Application> {
  return Application.bootstrap(
    {
      name: 'grp',
      entryPoints: [...files],
      tsconfig: 'scripts/tsconfig.api.json',
      readme: 'none',
      disableSources: true, // an archive without its history has no places to link to
      skipErrorChecking: true, // `tsc` has looked
      excludePrivate: true,
      excludeInternal: true,
      excludeExternals: true,
      validation: {
        notExported: false, // a type that only its owner makes need not be imported by anybody
        invalidLink: true,
        invalidPath: true,
        rewrittenLink: true,
        notDocumented: false, // it asks for every member; `undocumented` asks for what is exported
        unusedMergeModuleWith: true,
      },
    },
    [new TSConfigReader()],
  );
}

/** Modules are called as they are imported, not as their folders are. */
function rename(project: ProjectReflection, names: readonly string[]): void {
  const byFolder = new Map(names.map((name) => [name.replace('@grp/', ''), name]));
  for (const module of project.children ?? [])
    module.name = byFolder.get(module.name.replace('/src', '')) ?? module.name;
}

/** What an entry point exports without a word about it. */
function undocumented(project: ProjectReflection): readonly string[] {
  return (project.children ?? []).flatMap(({ name: module, children = [] }) =>
    children.filter((one) => !isDocumented(one)).map(({ name }) => `${module}: ${name} has no docstring`),
  );
}

function isDocumented(one: DeclarationReflection): boolean {
  const inner = one.type instanceof ReflectionType ? one.type.declaration : undefined;
  const places = [one, inner, ...(one.signatures ?? []), ...(inner?.signatures ?? [])];
  return one.isReference() || places.some((place) => place?.hasComment() === true);
}

const points = entryPoints();
const app = await open([...points.keys()]);
const project = await app.convert();
if (project === undefined) process.exit(1);
rename(project, [...points.values()]);
app.validate(project);
for (const problem of undocumented(project)) app.logger.error(problem);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
if (!process.argv.includes('--check')) {
  await app.generateDocs(project, out);
  process.stdout.write(`${out}/index.html: ${points.size} entry points\n`);
}
