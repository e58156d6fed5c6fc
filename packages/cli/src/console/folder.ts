import { fileURLToPath } from 'node:url';

const fromSources = import.meta.url.endsWith('.ts');

/** The package that the page is built from, where grp runs from sources; undefined in the published command. */
export function consolePackage(): string | undefined {
  return fromSources ? fileURLToPath(new URL('../../../console/', import.meta.url)) : undefined;
}

/** The folder of the built page, whether it is built yet or not. Nodes read it when somebody asks for the page. */
export function consoleFolder(): string {
  return fileURLToPath(new URL(fromSources ? '../../../console/dist' : './console', import.meta.url));
}
