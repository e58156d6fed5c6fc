import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

/** Debian's Chromium; others may say where theirs is. */
const executablePath = process.env['GRP_CHROMIUM'] ?? '/usr/bin/chromium';

/** Why there is no browser here; undefined when there is one. */
export const noBrowser: string | undefined = existsSync(executablePath) ? undefined : `there is no ${executablePath}`;

/** Starts the browser; `args` are added to its own. */
export function openBrowser(args: readonly string[] = []): Promise<Browser> {
  // In containers its sandbox cannot be made; the pages are our own.
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--font-render-hinting=none', ...args],
  });
}
