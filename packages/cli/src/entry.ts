import { fileURLToPath } from 'node:url';

const fromSources = import.meta.url.endsWith('.ts');

/** The arguments with which Node runs the plain node process: from sources, or as built. */
export function nodeEntry(): readonly string[] {
  const entry = fileURLToPath(new URL(fromSources ? './node-main.ts' : './node-main.js', import.meta.url));
  return fromSources ? ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', entry] : [entry];
}

/** The arguments with which Node runs the command line itself. */
export function cliEntry(): readonly string[] {
  const entry = fileURLToPath(new URL(fromSources ? '../bin/dev.ts' : '../bin/run.js', import.meta.url));
  return fromSources ? ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', entry] : [entry];
}
