import { decodeMapAnswer, encodeMapCommand, type MapCommand, type MapStateMachine } from '@grp/raft';
import type { FastifyInstance } from 'fastify';
import { httpError } from '../errors.ts';
import type { HostedGroup } from '../raft/raft-host.ts';
import { asDocument } from './documents.ts';
import { mapBody } from './raft-schemas.ts';

interface MapBody {
  readonly type: MapCommand['type'];
  readonly key: string;
  readonly value?: string;
  readonly expected?: string;
}

/** `POST /v1/raft/map`: changes on the leader, and linearizable reads on any server. */
export function mapRoutes(app: FastifyInstance, group: HostedGroup, map: MapStateMachine): void {
  app.post<{ Body: MapBody }>('/v1/raft/map', { schema: mapBody }, async ({ body }) => {
    const { type, key } = body;
    if (type === 'get') {
      const value = await group.raft.read(() => map.get(key));
      return asDocument('raft.map', { key, holds: true, value: value ?? null });
    }
    const answer = decodeMapAnswer(await group.raft.propose(encodeMapCommand(commandOf(body))));
    return asDocument('raft.map', { key, holds: answer.holds, value: answer.value ?? null });
  });
}

function commandOf({ type, key, value, expected }: MapBody): MapCommand {
  if (type === 'get' || type === 'delete') return { type, key };
  if (value === undefined) throw httpError('NODE_BODY_INVALID', { context: { problem: `${type} needs a value` } });
  return type === 'put' ? { type, key, value } : { type, key, expected, value };
}
