import { defineErrors, formatAddress, tryParseAddress, type Address } from '@grp/core';

export const clusterFileError = defineErrors({
  CHAT_CLUSTER_FILE: {
    kind: 'usage',
    message: 'The cluster file is not usable: $problem.',
    hint: 'Write {"servers": {"server1": "localhost:8001", "server2": "localhost:8002"}}',
  },
});

/** One server of the chat, as the cluster file names it. */
export interface ClusterServer {
  readonly id: string;
  /** Where clients connect (gRPC). */
  readonly client: Address;
  /** Where the other servers connect. */
  readonly peer: Address;
}

const serversMax = 64;
const peerPortOffset = 1_000;
const idPattern = /^[A-Za-z0-9.-]{1,63}$/;

/**
 * Reads `cluster_config.json`: `{"servers": {"server1": "localhost:8001", …}}`, where the text is the address for clients
 * and the peers' port is 1,000 above, or `{"client": …, "peer": …}`. Every problem is reported at once.
 * @throws GrpError CHAT_CLUSTER_FILE
 */
export function parseClusterFile(text: string): readonly ClusterServer[] {
  const problems: string[] = [];
  const servers = Object.entries(serversOf(text)).flatMap(([id, value]) => {
    const server = parseServer(id, value);
    if (typeof server !== 'string') return [server];
    problems.push(server);
    return [];
  });
  if (servers.length === 0 && problems.length === 0) problems.push('it names no servers');
  if (servers.length > serversMax) problems.push(`it names more than ${serversMax} servers`);
  const addresses = servers.flatMap(({ client, peer }) => [client, peer]);
  const doubled = addresses.find((address, index) => addresses.indexOf(address) !== index);
  if (doubled !== undefined) problems.push(`${doubled} is there twice`);
  if (problems.length > 0) throw invalid(problems.join('; '));
  return servers;
}

function serversOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`it is no JSON (${(cause as Error).message})`);
  }
  const servers = isRecord(value) ? value['servers'] : undefined;
  if (!isRecord(servers)) throw invalid('it has no object "servers"');
  return servers;
}

function parseServer(id: string, value: unknown): ClusterServer | string {
  if (!idPattern.test(id)) return `${JSON.stringify(id)} is no name of a server`;
  const [clientText, peerText] = isRecord(value) ? [value['client'], value['peer']] : [value, undefined];
  const client = typeof clientText === 'string' ? tryParseAddress(clientText) : undefined;
  if (client === undefined) return `${id} has no address host:port`;
  const peer =
    typeof peerText === 'string' ? tryParseAddress(peerText) : { ...client, port: client.port + peerPortOffset };
  if (peer === undefined || peer.port > 65_535) return `${id} has no usable peer address`;
  return { id, client: formatAddress(client.host, client.port), peer: formatAddress(peer.host, peer.port) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(problem: string) {
  return clusterFileError('CHAT_CLUSTER_FILE', { context: { problem } });
}
