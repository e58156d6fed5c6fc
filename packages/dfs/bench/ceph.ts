// Debian's Ceph on loopback for as long as a measurement lasts: one monitor, three OSDs with BlueStore on files, one pool of
// three replicas. Settings are the defaults, but for what one machine and one folder ask for: nothing makes it less durable.
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const osds = ['0', '1', '2'];
const osdBytes = 6 * 1_073_741_824;
const upWithinMs = 60_000;
const run = promisify(execFile);

/** Why Ceph cannot be measured here, or undefined when it can. */
export function whyNoCeph(folder: string): string | undefined {
  const missing = ['ceph', 'ceph-mon', 'ceph-osd', 'rados'].filter(
    (command) => spawnSync(command, ['-v']).status !== 0,
  );
  if (missing.length > 0)
    return `${missing.join(', ')} not installed (Debian: apt-get install --no-install-recommends ceph-mon ceph-osd ceph-common)`;
  const { bavail, bsize } = statfsSync(folder);
  const free = Math.floor((bavail * bsize) / 1_073_741_824);
  const wanted = (osds.length * osdBytes) / 1_073_741_824 + 8;
  return free < wanted ? `${folder} has ${free} GiB of room, and ${wanted} are needed` : undefined;
}

interface Daemon {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  stderr: string;
}

export class CephCluster {
  static readonly pool = 'bench';
  readonly #folder: string;
  readonly #daemons: Daemon[] = [];
  readonly #over = new AbortController();
  version = '';

  /** @param folder Below which it makes one of its own; whoever gave it removes it. */
  constructor(folder: string) {
    this.#folder = join(folder, 'ceph');
  }

  /** @throws Error with the last lines of the log of what did not come up within a minute. */
  async start(): Promise<void> {
    const fsid = randomUUID();
    const address = `[v2:127.0.0.1:${await freePortBelowEphemeral()}/0]`;
    mkdirSync(this.#folder);
    writeFileSync(join(this.#folder, 'ceph.conf'), configOf(this.#folder, fsid, address));
    this.version = (await this.run('ceph', ['-v'])).trim();
    const map = join(this.#folder, 'monmap');
    await run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', address, map]);
    await this.run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', map]);
    this.#spawn('mon.a', 'ceph-mon', ['-f', '-i', 'a']);
    await this.#until('mon.a', async () => (await this.#ask(['mon', 'stat'])) !== undefined);
    for (const id of osds) mkdirSync(join(this.#folder, `osd.${id}`));
    const uuids = osds.map(() => randomUUID());
    for (const uuid of uuids) await this.run('ceph', ['osd', 'new', uuid]);
    // Without -f a child of its own would do the work, and outlive an interruption.
    await Promise.all(
      osds.map((id, at) => this.run('ceph-osd', ['-f', '--mkfs', '-i', id, '--osd-uuid', uuids[at] as string])),
    );
    for (const id of osds) this.#spawn(`osd.${id}`, 'ceph-osd', ['-f', '-i', id]);
    await this.#until('osd.', async () => (await this.#ask(['osd', 'stat']))?.['num_up_osds'] === osds.length);
    await this.run('ceph', ['osd', 'pool', 'create', CephCluster.pool, '32', '32']);
  }

  /** Its output. @throws Error with what it wrote to stderr when it failed, or when the cluster was stopped meanwhile. */
  async run(command: string, args: readonly string[]): Promise<string> {
    // An OSD that dies keeps clients waiting for ever.
    const end = { signal: this.#over.signal, timeout: 120_000, killSignal: 'SIGKILL' } as const;
    const config = ['-c', join(this.#folder, 'ceph.conf')];
    const { stdout } = await run(command, [...config, ...args], { ...end, maxBuffer: 16_777_216 });
    return stdout;
  }

  /** Kills all of it, and resolves when nothing of it runs. */
  async stop(): Promise<void> {
    this.#over.abort();
    for (const { child } of this.#daemons) child.kill('SIGKILL');
    await Promise.all(this.#daemons.map(({ ended }) => ended));
  }

  #spawn(name: string, command: string, args: readonly string[]): void {
    if (this.#over.signal.aborted) return;
    const config = ['-c', join(this.#folder, 'ceph.conf')];
    // They must not outlive us, however we end.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...config, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
    const daemon: Daemon = { name, child, ended, stderr: '' };
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (daemon.stderr = (daemon.stderr + text).slice(-4_096)));
    this.#daemons.push(daemon);
  }

  /** An answer of the monitor, or undefined when there is none yet. */
  async #ask(words: readonly string[]): Promise<Record<string, unknown> | undefined> {
    try {
      const text = await this.run('ceph', ['--connect-timeout', '5', '-f', 'json', ...words]);
      return JSON.parse(text) as Record<string, unknown>;
    } catch {
      return undefined;
    }
  }

  async #until(names: string, isUp: () => Promise<boolean>): Promise<void> {
    const waiting = this.#daemons.filter(({ name }) => name.startsWith(names));
    const deadline = performance.now() + upWithinMs;
    while (!(await isUp())) {
      this.#over.signal.throwIfAborted();
      const dead = waiting.filter(({ child }) => child.exitCode !== null || child.signalCode !== null);
      if (dead.length > 0) throw new Error(`Ceph: ended instead of coming up\n${this.#lastWords(dead)}`);
      if (performance.now() > deadline)
        throw new Error(`Ceph: not up within ${upWithinMs / 1_000} s\n${this.#lastWords(waiting)}`);
      await pause(100);
    }
  }

  #lastWords(daemons: readonly Daemon[]): string {
    return daemons
      .map(({ name, stderr }) => {
        const path = join(this.#folder, `${name}.log`);
        const log = existsSync(path) ? readFileSync(path, 'utf8') : '';
        const lines = [log, stderr].flatMap((text) => text.trimEnd().split('\n').slice(-8));
        return `${name}:\n  ${lines.join('\n  ')}`;
      })
      .join('\n');
  }
}

function configOf(folder: string, fsid: string, address: string): string {
  return [
    '[global]',
    `fsid = ${fsid}`,
    'mon_initial_members = a',
    `mon_host = ${address}`,
    // Nothing signs or encrypts, which is the faster way, and listens where others can reach it.
    ...['cluster', 'service', 'client'].map((who) => `auth_${who}_required = none`),
    ...['public', 'cluster'].map((which) => `${which}_network = 127.0.0.0/8`),
    'ms_bind_msgr1 = false',
    // All three on one host.
    'osd_crush_chooseleaf_type = 0',
    'osd_pool_default_size = 3',
    'osd_pool_default_min_size = 2',
    `bluestore_block_size = ${osdBytes}`,
    `run_dir = ${folder}`,
    `log_file = ${folder}/$name.log`,
    `pid_file = ${folder}/$name.pid`,
    `admin_socket = ${folder}/$name.asok`,
    `crash_dir = ${folder}/crash`,
    `mon_data = ${folder}/mon`,
    `osd_data = ${folder}/osd.$id`,
    '',
  ].join('\n');
}

/** Ports that outgoing connections take begin at 32,768: one of those may be gone when it is needed. */
async function freePortBelowEphemeral(): Promise<number> {
  for (let port = 17_800; port < 17_900; port++) {
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
  throw new Error('no port from 17800 to 17899 is free');
}
