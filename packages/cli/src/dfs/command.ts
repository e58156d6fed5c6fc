import { GrpCommand, dirOf, type GlobalFlags } from '../base.ts';
import type { NodeClient } from '../client/http-client.ts';
import { isAlive, lookUp } from '../cluster/processes.ts';
import { readState } from '../cluster/state.ts';
import { whole } from '../flags.ts';
import { openProgress } from '../output/live.ts';
import { TransferProgress } from './progress.ts';

/** As long as the store itself waits without any progress, and a little longer, so that its own words are heard. */
const transferTimeoutMs = 40_000;

export const versionFlag = {
  version: whole('version', 'this version instead of the newest', 1, Number.MAX_SAFE_INTEGER),
};

/** What the file commands share: which nodes they ask, and how they show that they get on. */
export abstract class DfsCommand extends GrpCommand {
  /** The node that the flags name; else the living nodes of the local cluster, so that one may die meanwhile. */
  protected async clients(flags: GlobalFlags): Promise<readonly NodeClient[]> {
    const first = await this.client(flags, transferTimeoutMs);
    if (flags.node !== undefined) return [first];
    const nodes = (await readState(dirOf(flags)))?.nodes ?? [];
    const able = nodes.filter(
      (node) => node.roles.includes('dfs') && isAlive(node) && lookUp(node.pid)?.paused !== true,
    );
    if (able.length === 0) return [first];
    return Promise.all(able.map(({ id }) => this.client({ ...flags, node: id }, transferTimeoutMs)));
  }

  /** Asks one after the other until one answers. */
  protected async ask<Document>(
    flags: GlobalFlags,
    question: (client: NodeClient) => Promise<Document>,
  ): Promise<Document> {
    const clients = await this.clients(flags);
    for (const client of clients.slice(0, -1)) {
      try {
        return await question(client);
      } catch (cause) {
        if ((cause as { code?: string }).code !== 'CLI_NODE_UNREACHABLE') throw cause;
      }
    }
    return question(clients.at(-1) as NodeClient);
  }

  /** Progress on stderr, if that is a terminal. */
  protected async transferProgress(
    name: string,
    total: number | undefined,
  ): Promise<{ readonly progress: TransferProgress; readonly close: () => void }> {
    const drawn = await openProgress(!this.jsonEnabled() && process.stderr.isTTY);
    return { progress: new TransferProgress({ name, progress: drawn, total }), close: () => drawn.close() };
  }
}
