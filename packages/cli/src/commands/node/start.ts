import { GrpCommand } from '../../base.ts';
import { list, text, whole } from '../../flags.ts';
import { nodeFlags, sharedOptions } from '../../node-flags.ts';
import { document } from '../../output/json.ts';
import { runNode, type NodeSpec, type ReadyDocument } from '../../run-node.ts';

const joinTimeoutMsDefault = 30_000;

/** Runs one node in the foreground. */
export class NodeStart extends GrpCommand {
  static override readonly summary = 'Run one node in the foreground until Ctrl-C, which leaves the cluster';
  static override readonly description = `Its log goes to stderr; stdout has one line when the node serves.
A node with --join keeps asking the seeds, and gives up after --timeout (30s; 0: never).
Secrets come from files only: --key-file, --token-file.`;
  static override readonly examples = [
    { description: 'The first node of a cluster, on this machine', command: '<%= config.bin %> node start --name a' },
    {
      description: 'A second one, which joins it',
      command: '<%= config.bin %> node start --name b --bind 127.0.0.1:7956 --join 127.0.0.1:7946',
    },
    {
      description: 'A server of the chat; the file says where it and the others listen',
      command:
        '<%= config.bin %> node start --role chat --name server1 --cluster-config cluster_config.json --data-dir server1',
    },
    {
      description: 'On a real network, sealed, with settings from a file',
      command:
        '<%= config.bin %> node start --bind 0.0.0.0:7946 --advertise 10.0.0.5:7946 --join 10.0.0.1:7946 --key-file cluster.key --config node.yaml',
    },
  ];
  static override readonly flags = {
    ...nodeFlags,
    name: text('name', 'unique among the members: letters, digits, dots, hyphens (host-port unless given)', 'NAME'),
    bind: text(
      'bind',
      'base address: roles listen from its port on (127.0.0.1:7946 unless given; port 0: free ones)',
      'H:P',
    ),
    advertise: text('advertise', 'where others reach the base address, when that is not --bind', 'H:P'),
    join: list('join', 'seeds, with commas between: addresses or DNS names of any members', 'H:P'),
    http: text('http', 'where the HTTP API listens (127.0.0.1 and base port + 7 unless given)', 'H:P'),
    allow: list('allow', 'networks from which datagrams are taken, with commas between (all unless given)', 'CIDR'),
    'data-dir': text('data-dir', 'folder for what outlives the process (nothing is written unless given)', 'DIR'),
    'cluster-config': text(
      'cluster-config',
      'file that names the first servers of the roles chat, raft and dfs; --name says which one this is',
      'FILE',
    ),
    priority: whole(
      'priority',
      'roles chat and raft: of the servers that are up to date, the greatest leads',
      0,
      1_000_000,
    ),
    'tls-cert': text('tls-cert', 'certificate of the HTTP API, in PEM', 'FILE'),
    'tls-key': text('tls-key', 'its private key, in PEM', 'FILE'),
    'ready-file': text('ready-file', 'file to write once the node serves: {pid,name,http,ports}', 'FILE'),
    record: text(
      'record',
      'write what the node sends, receives, delivers and decides to this file, for lab replay and lab export',
      'FILE',
    ),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(NodeStart);
    const spec: NodeSpec = {
      options: {
        ...sharedOptions(flags, this.swimSettings),
        name: flags.name,
        bind: flags.bind,
        advertise: flags.advertise,
        join: flags.join,
        http: flags.http,
        allow: flags.allow,
        dataDir: flags['data-dir'],
        clusterConfig: flags['cluster-config'],
        priority: flags.priority,
        record: flags.record,
        tlsCert: flags['tls-cert'],
        tlsKey: flags['tls-key'],
        tlsCa: flags['tls-ca'],
        tokenFile: flags['token-file'],
      },
      logFormat: flags['log-format'] ?? 'pretty',
      readyFile: flags['ready-file'],
      joinTimeoutMs: flags.timeout ?? joinTimeoutMsDefault,
    };
    await runNode(spec, (ready) => this.#announce(ready));
  }

  #announce(ready: ReadyDocument): void {
    if (this.jsonEnabled()) {
      this.emit(document('grp.node.ready/1', ready));
      return;
    }
    const roles = Object.entries(ready.ports)
      .filter(([role]) => role !== 'http')
      .map(([role, port]) => `${role} on port ${port}`);
    this.print(`${ready.name} is ready: ${roles.join(', ')}; HTTP at ${ready.http}. Ctrl-C leaves.`);
  }
}
