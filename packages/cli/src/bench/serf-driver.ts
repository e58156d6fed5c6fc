import { formatAddress } from '@grp/core';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { lookUp } from '../cluster/processes.ts';
import { nodeFiles } from '../cluster/state.ts';
import type { Driver, Planned, StartOptions } from './driver.ts';
import { benchError } from './errors.ts';
import type { News } from './news.ts';

const run = promisify(execFile);
const linePatterns: readonly (readonly [News['kind'], RegExp])[] = [
  ['join', /\bserf: EventMemberJoin: (\S+)/],
  ['down', /\bserf: EventMemberFailed: (\S+)/],
  ['leave', /\bserf: EventMemberLeave: (\S+)/],
  ['suspect', /\bmemberlist: Suspect (\S+) has failed/],
];

/** The version of serf, from its package where it has one: what it says of itself may be older. Undefined without serf. */
export function serfVersion(): string | undefined {
  const { status, stdout } = spawnSync('serf', ['version'], { encoding: 'utf8', timeout: 10_000 });
  if (status !== 0) return undefined;
  const said = (stdout.split('\n', 1)[0] ?? '').replace(/^Serf\s+/, '').trim();
  const debian = spawnSync('dpkg-query', ['-W', '-f', '${Version}', 'serf'], { encoding: 'utf8', timeout: 10_000 });
  return debian.status === 0 && debian.stdout !== '' ? debian.stdout.trim() : said;
}

/** The news in one line of an agent's log; undefined for all other lines. */
export function newsOfLine(observer: string, line: string, at: number): News | undefined {
  for (const [kind, pattern] of linePatterns) {
    const about = pattern.exec(line)?.[1];
    if (about !== undefined) return { at, observer, about, kind };
  }
  return undefined;
}

/** Serf agents with the LAN profile, heard through the lines of their log. */
export function serfDriver(dir: string, version: string): Driver {
  return {
    system: 'serf',
    version,
    start: (member, options) => startAgent(dir, member, options),
    async list({ host, controlPort }) {
      const { stdout } = await run('serf', [
        'members',
        '-format=json',
        `-rpc-addr=${formatAddress(host, controlPort)}`,
      ]);
      const { members } = JSON.parse(stdout) as { members: readonly { name: string; status: string }[] };
      return members.map(({ name, status }) => ({
        name,
        state: status === 'alive' || status === 'left' ? status : ('failed' as const),
      }));
    },
  };
}

async function startAgent(dir: string, member: Planned, options: StartOptions): Promise<void> {
  const { name, host, port, controlPort } = member;
  const log = nodeFiles(dir, name).log;
  await mkdir(dirname(log), { recursive: true });
  const child = spawn(
    'serf',
    [
      'agent',
      `-node=${name}`,
      `-bind=${formatAddress(host, port)}`,
      `-rpc-addr=${formatAddress(host, controlPort)}`,
      '-profile=lan',
      '-log-level=info',
      ...(options.seed === undefined ? [] : [`-join=${options.seed}`]),
    ],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const written = createWriteStream(log, { flags: 'a' });
  child.once('close', () => written.end());
  const serving = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(benchError('BENCH_AGENT_ENDED', { context: { name, log } })));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        const at = performance.now();
        written.write(`${line}\n`);
        const news = newsOfLine(name, line, at);
        if (news !== undefined) options.onNews(news);
        // The last line of its banner; everything after it is log.
        if (line.includes('Log data will now stream in')) resolve();
      });
    }
  });
  if (child.pid !== undefined) {
    options.onProcess({ pid: child.pid, startTicks: lookUp(child.pid)?.startTicks ?? null });
  }
  await serving;
}
