import { setTimeout as sleep } from 'node:timers/promises';
import { Flags } from '@oclif/core';
import { GrpCommand } from '../../base.ts';
import type { NodeStatusDocument } from '../../client/documents.ts';
import type { NodeClient } from '../../client/http-client.ts';
import { cliError } from '../../errors.ts';
import { envName } from '../../given.ts';
import { document } from '../../output/json.ts';

/** Stops a node over HTTP. */
export class NodeStop extends GrpCommand {
  static override readonly summary = 'Stop a node: it leaves the cluster, then its process ends';
  static override readonly description = 'Waits until the node no longer answers, at most --timeout (15s).';
  static override readonly examples = [
    { description: 'The node at the default port', command: '<%= config.bin %> node stop' },
    { description: 'Another one', command: '<%= config.bin %> node stop --node http://127.0.0.1:7961' },
    {
      description: 'Without a word to the others, as a crash would',
      command: '<%= config.bin %> node stop --no-leave',
    },
  ];
  static override readonly flags = {
    leave: Flags.boolean({
      description: 'tell the others; --no-leave vanishes instead',
      env: envName('leave'),
      default: true,
      allowNo: true,
    }),
  };

  override async run(): Promise<object> {
    const { flags } = await this.parse(NodeStop);
    const timeoutMs = flags.timeout ?? 15_000;
    const client = await this.client(flags);
    const { name, id } = await client.get<NodeStatusDocument>('/v1/node/status');
    await client.post('/v1/node/stop', { leave: flags.leave });
    await untilSilent(client, id, timeoutMs);
    return this.show(
      document('grp.node.stop/1', { name, id, leave: flags.leave, state: 'stopped' }),
      () => `${name} has stopped.`,
    );
  }
}

/** Until nothing answers there, or another life of the node does. */
async function untilSilent(client: NodeClient, id: string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const status = await client.get<NodeStatusDocument>('/v1/node/status').catch(() => undefined);
    if (status === undefined || status.id !== id) return;
    if (performance.now() > deadline) throw cliError('CLI_NODE_TIMEOUT', { context: { url: client.url, timeoutMs } });
    await sleep(50);
  }
}
