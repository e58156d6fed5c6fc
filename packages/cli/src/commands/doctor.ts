import { sanitizeText, parseAddress } from '@grp/core';
import { GrpCommand } from '../base.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkDisk } from '../doctor/disk.ts';
import { checkClock, checkFileLimit, checkRuntime } from '../doctor/host.ts';
import { checkKeyFile } from '../doctor/key-file.ts';
import { checkMtu } from '../doctor/path.ts';
import { checkPeer } from '../doctor/peer.ts';
import { checkBuffers, checkDatagrams, checkPorts } from '../doctor/sockets.ts';
import { list, text } from '../flags.ts';
import { document } from '../output/json.ts';

/** Looks at this machine. */
export class Doctor extends GrpCommand {
  static override readonly summary = 'Check this machine, and the way to its peers; each finding says what to do';
  static override readonly description = `Node version; UDP on loopback and on the bind address; ports; socket buffers (net.core.rmem_max); packet size of the link; open files; clock; how fast the disk makes a write durable, and its free space; strength and mode of the key file. For each --peer: name, TCP, UDP with short and long datagrams, and its clock against ours.
Nothing is changed; a small file is written below --data-dir and removed. Exit code 0 with warnings, 1 when something does not work, 2 for an address that is none.`;
  static override readonly examples = [
    { description: 'This machine, for a node with defaults', command: '<%= config.bin %> doctor' },
    {
      description: 'With the address and key of a real node',
      command: '<%= config.bin %> doctor --bind 10.0.0.5:7946 --key-file cluster.key',
    },
    { description: 'Can that peer be reached?', command: '<%= config.bin %> doctor --peer 10.0.0.1:7946 --json' },
  ];
  static override readonly flags = {
    bind: text('bind', 'base address of the node to be (127.0.0.1:7946 unless given)', 'H:P'),
    peer: list('peer', 'peers to reach by TCP and UDP, with commas between', 'H:P'),
    'key-file': text('key-file', 'key file to check', 'FILE'),
    'data-dir': text('data-dir', 'folder whose disk is tried (the current one unless given)', 'DIR'),
  };

  override async run(): Promise<object> {
    const { flags } = await this.parse(Doctor);
    const { host, port } = parseAddress(flags.bind ?? '127.0.0.1:7946', 7_946);
    const peers = flags.peer ?? [];
    for (const peer of peers) parseAddress(peer, 7_946); // a slip of the fingers is a usage error, not a finding
    const found = await Promise.all([
      checkDatagrams('127.0.0.1', 'loopback'),
      ...(host === '127.0.0.1' ? [] : [checkDatagrams(host, 'bind')]),
      checkPorts(host, port),
      checkBuffers(),
      checkMtu(host),
      checkDisk(flags['data-dir'] ?? '.'),
      checkFileLimit(),
      checkClock(),
      ...(flags['key-file'] === undefined ? [] : [checkKeyFile(flags['key-file'])]),
      ...peers.map((peer) => checkPeer(peer, flags.timeout ?? 2_000)),
    ]);
    const checks = [checkRuntime(process.versions.node), ...found.flat()];
    const problems = checks.filter(({ status }) => status === 'problem').length;
    if (problems > 0) process.exitCode = 1;
    return this.show(document('grp.doctor.report/1', { ok: problems === 0, checks }), () => this.#text(checks));
  }

  #text(checks: readonly Finding[]): string {
    const { green, yellow, red, dim } = this.colours;
    const marks = { ok: green('ok     '), warning: yellow('warning'), problem: red('problem') };
    const lines = checks.flatMap(({ status, message, fix }) => [
      `${marks[status]}  ${sanitizeText(message)}`,
      ...(fix === undefined ? [] : [`         ${dim('→')} ${sanitizeText(fix)}`]),
    ]);
    const bad = checks.filter(({ status }) => status !== 'ok').length;
    return [...lines, '', bad === 0 ? 'Everything is well.' : `${bad} of ${checks.length} findings need a look.`].join(
      '\n',
    );
  }
}
