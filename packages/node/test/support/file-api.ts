import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { dfsError, type MetaReply, type MetaRequest } from '@grp/dfs';
import type { DfsClient, PutFileOptions } from '@grp/dfs/node';
import { onTestFinished } from 'vitest';
import { nodeConfig } from '../../src/config.ts';
import type { DfsPart } from '../../src/dfs/dfs-part.ts';
import { dfsRoutes } from '../../src/dfs/dfs-routes.ts';
import { createServer } from '../../src/http/server.ts';
import type { RoleContext } from '../../src/role.ts';
import { ManualClock } from './manual-clock.ts';
import { recordingLogger } from './recording-logger.ts';

/** What a made-up store was asked to put. */
export interface Put {
  readonly name: string;
  readonly content: Uint8Array | Readable;
  readonly bytes: Buffer;
}

/** The HTTP API of the file store, over a store that answers as `state` says; asked without sockets. */
export function fileApi() {
  const clock = new ManualClock();
  const logger = recordingLogger();
  const config = nodeConfig.resolve({});
  const state: { leader: string | undefined; answer: MetaReply | undefined; puts: Put[] } = {
    leader: 'n1',
    answer: undefined,
    puts: [],
  };
  const client: Pick<DfsClient, 'put' | 'remove' | 'request'> = {
    async put(name, content, options: PutFileOptions = {}) {
      const bytes = content instanceof Uint8Array ? Buffer.from(content) : await buffer(content);
      state.puts.push({ name, content, bytes });
      if (state.answer === undefined) return aborted(options.signal);
      return { name, version: 1, bytes: bytes.length, sha256: '0'.repeat(64), replicas: ['n1'] };
    },
    remove: () => new Promise(() => {}), // in a pause between two questions
    async request(_request: MetaRequest, signal) {
      return state.answer ?? (await aborted(signal).catch(() => undefined));
    },
  };
  const raft = { status: () => ({ leader: state.leader }) };
  const part = { client, group: { serving: true, raft } } as unknown as DfsPart;
  const server = createServer({ host: '127.0.0.1', token: undefined, tls: undefined, config, clock, logger });
  const context = { options: { config }, clock, logger, recorder: undefined, name: 'n1' } as unknown as RoleContext;
  server.app.addHook('onRequest', async ({ raw: { socket } }) => {
    // What is asked from within has none of these.
    Object.assign(socket, { setTimeout: () => socket, bytesRead: 0, bytesWritten: 0 });
  });
  dfsRoutes(server.app, part, context);
  onTestFinished(() => server.close(0));
  return { app: server.app, clock, state };
}

/** Never answers: fails when it is given up. */
function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(dfsError('DFS_ABORTED')), { once: true });
  });
}
