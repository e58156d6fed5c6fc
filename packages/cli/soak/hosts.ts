// Five hosts on one machine: network namespaces on a bridge, a node in each, real partitions by the firewall.
// Needs root, `ip` and `nft`. Prints one JSON document; exit code 8 when a promise is broken.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const lab = `grp-soak-${process.pid}`;
const hosts = [1, 2, 3, 4, 5];
const entry = new URL('../bin/dev.ts', import.meta.url).pathname;
const logs = mkdtempSync(join(tmpdir(), 'grp-hosts-'));
const nodes = new Map<number, ChildProcess>();
const figures: Record<string, number> = {};
const problems: string[] = [];
const rounds = Number(process.argv[2] ?? 3);

type Statuses = Readonly<Record<string, string>>;

try {
  layOut();
  for (const host of hosts) startNode(host);
  figures['formMs'] = await until('all lists complete', 30_000, () => everyone(hosts, hosts));
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    await splitAndHeal(round);
    await oneWay(round);
    await killOne(round, hosts[round % hosts.length] as number);
  }
} finally {
  await tearDown();
}
process.stdout.write(`${JSON.stringify({ schema: 'grp.soak.hosts/1', rounds, figures, problems, logs })}\n`);
process.exitCode = problems.length === 0 ? 0 : 8;

/** The bridge and the hosts' ends of the cables live in namespaces of their own: the root namespace sees nothing. */
function layOut(): void {
  const inSwitch = (...args: string[]): void => run('ip', 'netns', 'exec', `${lab}-sw`, ...args);
  run('ip', 'netns', 'add', `${lab}-sw`);
  inSwitch('ip', 'link', 'add', 'br0', 'type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0');
  inSwitch('ip', 'link', 'set', 'br0', 'up');
  for (const host of hosts) {
    const space = `${lab}-h${host}`;
    run('ip', 'netns', 'add', space);
    run('ip', 'link', 'add', 'eth0', 'netns', space, 'type', 'veth', 'peer', 'name', `p${host}`, 'netns', `${lab}-sw`);
    inSwitch('ip', 'link', 'set', `p${host}`, 'master', 'br0', 'up');
    for (const link of ['lo', 'eth0']) run('ip', '-n', space, 'link', 'set', link, 'up');
    run('ip', '-n', space, 'addr', 'add', `10.77.0.${host}/24`, 'dev', 'eth0');
  }
  inSwitch('nft', 'add table bridge f');
  inSwitch('nft', 'add chain bridge f pass { type filter hook forward priority 0; policy accept; }');
}

function startNode(host: number): void {
  const log = openSync(join(logs, `h${host}.log`), 'a');
  const seeds = '10.77.0.1:7946,10.77.0.2:7946';
  const grp = [entry, 'node', 'start', '--role', 'swim', '--name', `h${host}`, '--bind', `10.77.0.${host}:7946`];
  const args = ['netns', 'exec', `${lab}-h${host}`, process.execPath, ...process.execArgv, ...grp, '--join', seeds];
  nodes.set(host, spawn('ip', [...args, '--timeout', '0'], { stdio: ['ignore', log, log] }));
}

async function splitAndHeal(round: number): Promise<void> {
  for (const [from, to] of pairs([1, 2], [3, 4, 5])) cut(from, to);
  await until(
    `both sides see the split (round ${round})`,
    15_000,
    () => everyone([1, 2], [1, 2]) && everyone([3, 4, 5], [3, 4, 5]),
  );
  await pause(30_000);
  heal();
  const healedMs = await until(`lists whole after healing (round ${round})`, 10_000, () => everyone(hosts, hosts));
  figures['healMaxMs'] = Math.max(figures['healMaxMs'] ?? 0, healedMs);
}

/** One direction of one path is dead: relays and the other direction must keep both alive everywhere. */
async function oneWay(round: number): Promise<void> {
  cut(1, 3);
  const endsAt = Date.now() + 20_000;
  while (Date.now() < endsAt) {
    for (const host of hosts) {
      const down = Object.entries(statuses(host)).filter(([, status]) => status === 'down');
      if (down.length > 0)
        problems.push(`round ${round}: h${host} has ${down.map(([name]) => name).join(', ')} down on a one-way cut`);
    }
    await pause(500);
  }
  heal();
}

async function killOne(round: number, victim: number): Promise<void> {
  const others = hosts.filter((host) => host !== victim);
  nodes.get(victim)?.kill('SIGKILL'); // `ip netns exec` has become the node: it is the same process
  const noticedMs = await until(`h${victim} is down everywhere (round ${round})`, 6_000, () =>
    everyone(others, others),
  );
  figures['killLastMaxMs'] = Math.max(figures['killLastMaxMs'] ?? 0, noticedMs);
  startNode(victim);
  await until(`h${victim} is back (round ${round})`, 15_000, () => everyone(hosts, hosts));
}

function cut(from: number, to: number): void {
  run('ip', 'netns', 'exec', `${lab}-sw`, 'nft', `add rule bridge f pass iifname p${from} oifname p${to} drop`);
}

function heal(): void {
  run('ip', 'netns', 'exec', `${lab}-sw`, 'nft', 'flush chain bridge f pass');
}

function pairs(left: readonly number[], right: readonly number[]): [number, number][] {
  return left.flatMap((a) =>
    right.flatMap((b): [number, number][] => [
      [a, b],
      [b, a],
    ]),
  );
}

/** Each of these hosts lists exactly those members as alive. */
function everyone(observers: readonly number[], members: readonly number[]): boolean {
  const wanted = members.map((host) => `h${host}`).join();
  return observers.every((observer) => {
    const alive = Object.entries(statuses(observer)).filter(([, status]) => status === 'alive');
    return (
      alive
        .map(([name]) => name)
        .toSorted()
        .join() === wanted
    );
  });
}

function statuses(host: number): Statuses {
  try {
    const url = 'http://127.0.0.1:7953/v1/swim/members';
    const body = execFileSync('ip', ['netns', 'exec', `${lab}-h${host}`, 'curl', '-sf', '--max-time', '2', url], {
      encoding: 'utf8',
    });
    const { members } = JSON.parse(body) as { members: { name: string; status: string }[] };
    return Object.fromEntries(members.map(({ name, status }) => [name, status]));
  } catch {
    return {}; // not up yet
  }
}

async function until(what: string, withinMs: number, holds: () => boolean): Promise<number> {
  const startedAt = performance.now();
  while (!holds()) {
    if (performance.now() - startedAt > withinMs) {
      problems.push(`${what}: not within ${withinMs} ms`);
      break;
    }
    await pause(50);
  }
  const tookMs = Math.round(performance.now() - startedAt);
  process.stderr.write(`${what}: ${tookMs} ms\n`);
  return tookMs;
}

async function tearDown(): Promise<void> {
  for (const node of nodes.values()) node.kill('SIGTERM');
  await pause(1_500);
  for (const space of ['sw', ...hosts.map((host) => `h${host}`)]) {
    try {
      execFileSync('ip', ['netns', 'del', `${lab}-${space}`], { stdio: 'ignore' });
    } catch {
      // it was never made
    }
  }
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
