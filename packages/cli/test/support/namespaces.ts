import { execFileSync, spawn, type ChildProcess, type StdioOptions } from 'node:child_process';

/**
 * Hosts on one machine: network namespaces on a bridge, cut from each other by the firewall of the bridge. The ends of the
 * cables live in namespaces of their own: the machine itself sees nothing of them. Needs root, `ip` and `nft`.
 */
export class Hosts {
  readonly numbers: readonly number[];
  readonly #lab: string;

  constructor(name: string, count: number) {
    this.#lab = `${name}-${process.pid}`;
    this.numbers = Array.from({ length: count }, (_, index) => index + 1);
  }

  addressOf(host: number): string {
    return `10.77.0.${host}`;
  }

  layOut(): void {
    const inSwitch = (...args: string[]): void => run('ip', 'netns', 'exec', `${this.#lab}-sw`, ...args);
    run('ip', 'netns', 'add', `${this.#lab}-sw`);
    inSwitch('ip', 'link', 'add', 'br0', 'type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0');
    inSwitch('ip', 'link', 'set', 'br0', 'up');
    for (const host of this.numbers) {
      const space = this.#space(host);
      const peer = ['type', 'veth', 'peer', 'name', `p${host}`, 'netns', `${this.#lab}-sw`];
      run('ip', 'netns', 'add', space);
      run('ip', 'link', 'add', 'eth0', 'netns', space, ...peer);
      inSwitch('ip', 'link', 'set', `p${host}`, 'master', 'br0', 'up');
      for (const link of ['lo', 'eth0']) run('ip', '-n', space, 'link', 'set', link, 'up');
      run('ip', '-n', space, 'addr', 'add', `${this.addressOf(host)}/24`, 'dev', 'eth0');
    }
    inSwitch('nft', 'add table bridge f');
    inSwitch('nft', 'add chain bridge f pass { type filter hook forward priority 0; policy accept; }');
  }

  /** What `from` sends to `to` vanishes; the other direction works. */
  cut(from: number, to: number): void {
    this.#nft(`add rule bridge f pass iifname p${from} oifname p${to} drop`);
  }

  /** Nothing passes between the two sides. */
  split(left: readonly number[], right: readonly number[]): void {
    for (const a of left) {
      for (const b of right) {
        this.cut(a, b);
        this.cut(b, a);
      }
    }
  }

  heal(): void {
    this.#nft('flush chain bridge f pass');
  }

  /** Starts a Node.js program on a host, with the options of this one; `ip netns exec` becomes it. */
  start(host: number, args: readonly string[], stdio: StdioOptions): ChildProcess {
    const node = [process.execPath, ...process.execArgv, ...args];
    return spawn('ip', ['netns', 'exec', this.#space(host), ...node], { stdio });
  }

  tearDown(): void {
    for (const space of [`${this.#lab}-sw`, ...this.numbers.map((host) => this.#space(host))]) {
      try {
        execFileSync('ip', ['netns', 'del', space], { stdio: 'ignore' });
      } catch {
        // It was never made.
      }
    }
  }

  #space(host: number): string {
    return `${this.#lab}-h${host}`;
  }

  #nft(rule: string): void {
    run('ip', 'netns', 'exec', `${this.#lab}-sw`, 'nft', rule);
  }
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
