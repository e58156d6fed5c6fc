import { GrpCommand } from '../../base.ts';
import type { NodeStatusDocument } from '../../client/documents.ts';
import { document } from '../../output/json.ts';

/** Lets a node leave. */
export class SwimLeave extends GrpCommand {
  static override readonly summary = 'Let a node leave the cluster of its own will; its process ends';
  static override readonly description =
    'The others list it as left, not as down. Returns when the node has begun; "node stop" waits for its end.';
  static override readonly examples = [
    { description: 'The fifth node of the local cluster', command: '<%= config.bin %> swim leave --node n5' },
    { description: 'A node elsewhere', command: '<%= config.bin %> swim leave --node http://127.0.0.1:7961 --json' },
  ];

  override async run(): Promise<object> {
    const { flags } = await this.parse(SwimLeave);
    const client = await this.client(flags);
    const { name, id } = await client.get<NodeStatusDocument>('/v1/node/status');
    await client.post('/v1/swim/leave', {});
    return this.show(document('grp.swim.leave/1', { name, id, state: 'stopping' }), () => `${name} is leaving.`);
  }
}
