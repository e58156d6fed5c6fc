import { cliError } from '../errors.ts';
import { isAlive } from '../cluster/processes.ts';
import { readState } from '../cluster/state.ts';
import { parseNodeUrl } from '../values.ts';

/** Where a node that was started with defaults serves HTTP: base port 7946, plus 7. */
export const defaultNodeUrl = 'http://127.0.0.1:7953';

/**
 * The URL of the node that is meant: what `--node` says (a URL, host:port, or the id of a local node), else the first
 * living node of the cluster in `dir`, else the default port.
 * @throws GrpError CLI_VALUE, CLUSTER_NONE, CLUSTER_NODE_UNKNOWN
 */
export async function resolveNode({
  node,
  dir,
}: {
  readonly node: string | undefined;
  readonly dir: string;
}): Promise<string> {
  if (node !== undefined && !/^[A-Za-z][A-Za-z0-9-]*$/.test(node)) return parseNodeUrl(node);
  const state = await readState(dir);
  if (node === undefined) return state?.nodes.find((one) => isAlive(one))?.http ?? defaultNodeUrl;
  if (state === undefined) throw cliError('CLUSTER_NONE', { context: { dir } });
  const found = state.nodes.find((one) => one.id === node);
  if (found !== undefined) return found.http;
  const ids = state.nodes.map(({ id }) => id).join(', ');
  throw cliError('CLUSTER_NODE_UNKNOWN', { context: { id: node, ids } });
}
