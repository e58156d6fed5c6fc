import { sanitizeText } from '@grp/core';
import { GrpCommand } from '../../base.ts';
import type { NodeStatusDocument } from '../../client/documents.ts';
import { statusText } from '../../output/colours.ts';
import { timeText } from '../../output/units.ts';

/** Shows one node. */
export class NodeStatus extends GrpCommand {
  static override readonly summary = 'Show one node: name, life, roles, ports, faults';
  static override readonly description =
    'Asks the node that --node names, else the local cluster, else the default port.';
  static override readonly examples = [
    { description: 'The node at the default port', command: '<%= config.bin %> node status' },
    { description: 'The third node of the local cluster', command: '<%= config.bin %> node status --node n3' },
    { description: 'For a script', command: '<%= config.bin %> node status --json' },
  ];

  override async run(): Promise<object> {
    const { flags } = await this.parse(NodeStatus);
    const client = await this.client(flags);
    const status = await client.get<NodeStatusDocument>('/v1/node/status');
    return this.show(status, () => this.#text(status));
  }

  #text(status: NodeStatusDocument): string {
    const ports = Object.entries(status.ports)
      .map(([role, port]) => `${role} ${port}`)
      .join(', ');
    const rows: [string, string][] = [
      ['name', status.name],
      ['id', status.id],
      ['state', status.state],
      ['ready', status.ready ? 'yes' : 'no'],
      ['roles', status.roles.join(', ')],
      ['ports', ports],
      ['http', status.http],
      ['process', `${status.pid}, version ${status.version}`],
      ['up', timeText(status.uptimeMs)],
      ['faults', faultsText(status.faults ?? {})],
    ];
    return rows
      .map(([label, value]) => {
        const safe = sanitizeText(value);
        return `${this.colours.dim(label.padEnd(8))} ${label === 'state' ? statusText(safe, this.colours) : safe}`;
      })
      .join('\n');
  }
}

function faultsText(faults: Readonly<Record<string, unknown>>): string {
  const active = Object.entries(faults).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== 0));
  return active.length === 0 ? 'none' : active.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ');
}
