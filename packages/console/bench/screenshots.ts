// Takes the pictures of docs/images from the real page: a live cluster whose leader has just died, and lessons of the lab.
// Usage: node --conditions=@grp/source packages/console/bench/screenshots.ts [FOLDER]
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../test/support/browser.ts';
import { grp as run } from '../test/support/grp.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = process.argv[2] ?? join(root, 'docs', 'images');
const dir = await mkdtemp(join(tmpdir(), 'grp-shots-'));

const grp = (...argv: readonly string[]): Promise<Record<string, unknown>> => run(...argv, '--dir', dir);

async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage });
  process.stdout.write(`${name}.png\n`);
}

async function openPage(browser: Browser, url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1360, height: 900 }, colorScheme: 'dark', ...options });
  page.on('pageerror', (error) => process.stderr.write(`${error.message}\n`));
  await page.goto(url);
  return page;
}

interface LiveNode {
  readonly id: string;
  readonly http: string;
}

async function multicast({ http }: LiveNode, payload: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  await fetch(`${http}/v1/gms/mcast`, { method: 'POST', headers, body: JSON.stringify({ payload, count: 1 }) });
  await sleep(500);
}

/** The cluster, with something going on and then without its leader. */
async function livePictures(browser: Browser): Promise<void> {
  const { nodes } = (await grp(
    'cluster',
    'up',
    '-n',
    '5',
    '--role',
    'swim,gms,chat,dfs',
    '--base-port',
    '0',
    '--detach',
  )) as {
    nodes: LiveNode[];
  };
  const { url } = await grp('console', '--node', 'n2');
  const page = await openPage(browser, String(url), { viewport: { width: 1360, height: 1180 } });
  await page.getByText('5 members alive').waitFor();
  for (const [name, file] of [
    ['reports/2026-11.md', 'README.md'],
    ['images/map.bin', 'pnpm-lock.yaml'],
    ['config/cluster.json', 'package.json'],
  ] as const)
    await grp('dfs', 'put', join(root, file), name, '--node', 'n3');
  for (let round = 0; round < 14; round++) await multicast(nodes[round % nodes.length] as LiveNode, `change ${round}`);
  await grp('cluster', 'kill', 'n1');
  await page.locator('[data-node=n1][data-state=down]').waitFor();
  await sleep(1_500);
  for (let round = 0; round < 4; round++) await multicast(nodes[1 + (round % 4)] as LiveNode, `afterwards ${round}`);
  await picture(page, 'console');
  const phone = await openPage(browser, String(url), { viewport: { width: 390, height: 844 } });
  await phone.locator('[data-node=n1][data-state=down]').waitFor();
  await picture(phone, 'console-phone');
}

/** Lessons of the lab, served by the same nodes. */
async function labPictures(browser: Browser, url: string): Promise<void> {
  const beside = encodeURIComponent(JSON.stringify({ level: 'gms2', seed: 1 }));
  const lessons = [
    ['lab', '#/lab/gms2-crash?level=gms2&seed=1&t=285'],
    ['lab-elections', '#/lab/priority?t=8000'],
    ['lab-question', '#/lab/gms2-crash?level=gms2&seed=1'],
    ['lab-compare', `#/lab/gms2-crash?level=gms3&seed=1&t=285&beside=${beside}`],
  ] as const;
  for (const [name, hash] of lessons) {
    const page = await openPage(browser, `${url}/${hash}`, {
      colorScheme: name === 'lab-elections' ? 'light' : 'dark',
      viewport: { width: 1360, height: name === 'lab-compare' ? 1180 : 900 },
    });
    await page.locator('canvas').first().waitFor();
    await sleep(700);
    await picture(page, name);
    await page.close();
  }
}

await mkdir(folder, { recursive: true });
const browser = await openBrowser();
try {
  await livePictures(browser);
  const { nodes } = (await grp('cluster', 'status')) as { nodes: LiveNode[] };
  await labPictures(browser, nodes.find(({ id }) => id === 'n2')?.http ?? '');
} finally {
  await browser.close();
  await grp('cluster', 'down').catch(() => {});
  await rm(dir, { recursive: true, force: true });
}
