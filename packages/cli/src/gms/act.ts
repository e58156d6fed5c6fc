import { NodeClient } from '../client/http-client.ts';
import { killNode, pauseNode, restartNode, resumeNode } from '../cluster/control.ts';
import { lookUp } from '../cluster/processes.ts';
import { requireNode, requireState } from '../cluster/state.ts';
import type { WallAction } from './keys.ts';

const sendsBeforeCrash = 5;

/** Does what a key asks to one node of the local cluster; the answer is a line for people. */
export async function act(dir: string, id: string, action: WallAction): Promise<string> {
  switch (action) {
    case 'crash':
      await killNode(dir, id);
      return `${id} was killed.`;
    case 'crash-later': {
      const { http } = requireNode(await requireState(dir), id);
      await NodeClient.local(http, 5_000).post('/v1/gms/kill', { afterSends: sendsBeforeCrash });
      return `${id} crashes after ${sendsBeforeCrash} more sends.`;
    }
    case 'pause': {
      const { pid } = requireNode(await requireState(dir), id);
      if (lookUp(pid)?.paused === true) {
        await resumeNode(dir, id);
        return `${id} goes on.`;
      }
      await pauseNode(dir, id);
      return `${id} stands still.`;
    }
    case 'rejoin':
      await restartNode(dir, id, { empty: false, timeoutMs: 30_000 });
      return `${id} is back.`;
    default:
      return '';
  }
}
