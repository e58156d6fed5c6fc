import { formatAddress } from '@grp/core';
import { resolve } from 'node:path';
import type { BandwidthDocument, MembersDocument } from '../client/documents.ts';
import type { NodeEvent } from '../client/events.ts';
import { NodeClient } from '../client/http-client.ts';
import { launch, untilReady } from '../cluster/launch.ts';
import { nodeFiles } from '../cluster/state.ts';
import type { NodeSpec } from '../run-node.ts';
import type { Driver, Planned, StartOptions } from './driver.ts';
import type { News } from './news.ts';

const readyTimeoutMs = 60_000;
const kinds: Readonly<Record<string, News['kind']>> = {
  join: 'join',
  suspect: 'suspect',
  down: 'down',
  leave: 'leave',
};

/** Our nodes: the plain node process with the default preset, heard through its event stream. */
export function grpDriver(dir: string, version: string): Driver {
  return {
    system: 'grp',
    version,
    async start(member, options) {
      const mark = await launch(dir, member.name, specOf(dir, member, options.seed));
      options.onProcess(mark);
      await untilReady(dir, member.name, mark, { timeoutMs: readyTimeoutMs, signal: options.signal });
      const stream = await client(member).events({ kinds: ['swim'], signal: options.signal });
      void listen(member.name, stream, options);
    },
    async list(member) {
      const { members } = await client(member).get<MembersDocument>('/v1/swim/members');
      return members.map(({ name, status }) => ({
        name,
        state: status === 'alive' || status === 'left' ? status : ('failed' as const),
      }));
    },
    counters: {
      async reset(member) {
        await client(member).post('/v1/swim/reset', {});
      },
      async sent(member) {
        const { total } = await client(member).get<BandwidthDocument>('/v1/swim/bandwidth');
        return { packets: total.packetsOut, ipBytes: total.bytesOut };
      },
    },
  };
}

function client({ host, controlPort }: Planned): NodeClient {
  return NodeClient.local(`http://${formatAddress(host, controlPort)}`, 5_000);
}

function specOf(dir: string, { name, host, port, controlPort }: Planned, seed: string | undefined): NodeSpec {
  const files = nodeFiles(resolve(dir), name);
  return {
    options: {
      name,
      roles: ['swim'],
      bind: formatAddress(host, port),
      http: formatAddress(host, controlPort),
      join: seed === undefined ? [] : [seed],
      dataDir: files.data,
    },
    logFormat: 'pretty',
    readyFile: files.ready,
    joinTimeoutMs: readyTimeoutMs,
  };
}

async function listen(observer: string, stream: AsyncIterable<NodeEvent>, { onNews }: StartOptions): Promise<void> {
  try {
    for await (const { type, member } of stream) {
      const kind = kinds[type];
      if (kind !== undefined && member !== undefined) {
        onNews({ at: performance.now(), observer, about: member.name, kind });
      }
    }
  } catch {
    // The node has been killed: what its list says is nobody's question any more.
  }
}
