import { decodeMapAnswer, encodeMapCommand, type MapCommand, type MapStateMachine } from '@grp/raft';
import type { FastifyInstance } from 'fastify';
import { httpError } from '../errors.ts';
import type { HostedGroup } from '../raft/raft-host.ts';
import type { Recorder } from '../record/recorder.ts';
import { asDocument } from './documents.ts';
import { mapBody } from './raft-schemas.ts';

interface MapBody {
  readonly type: MapCommand['type'];
  readonly key: string;
  readonly value?: string;
  readonly expected?: string;
}

/** `POST /v1/raft/map`: changes on the leader, and linearizable reads on any server. */
export function mapRoutes(app: FastifyInstance, group: HostedGroup, map: MapStateMachine, recorder?: Recorder): void {
  app.post<{ Body: MapBody }>('/v1/raft/map', { schema: mapBody }, ({ body, id }) => {
    const run = () => answer(body, group, map);
    if (recorder === undefined) return run();
    // Each request is a client of its own: nothing says which of them come from one.
    const request = { process: id, ...operationOf(body), key: body.key };
    return recorder.operation(request, run, ({ holds, value }) => (body.type === 'get' ? value : holds));
  });
}

async function answer(body: MapBody, group: HostedGroup, map: MapStateMachine) {
  const { type, key } = body;
  if (type === 'get') {
    const value = await group.raft.read(() => map.get(key));
    return asDocument('raft.map', { key, holds: true, value: value ?? null });
  }
  const { holds, value } = decodeMapAnswer(await group.raft.propose(encodeMapCommand(commandOf(body))));
  return asDocument('raft.map', { key, holds, value: value ?? null });
}

/** The words of checkers: a register for each key, which is read, written, or compared and set. */
function operationOf({ type, value, expected }: MapBody): { readonly f: string; readonly value: unknown } {
  if (type === 'get') return { f: 'read', value: null };
  if (type === 'compare-and-set') return { f: 'cas', value: [expected ?? null, value ?? null] };
  return { f: 'write', value: value ?? null };
}

function commandOf({ type, key, value, expected }: MapBody): MapCommand {
  if (type === 'get' || type === 'delete') return { type, key };
  if (value === undefined) throw httpError('NODE_BODY_INVALID', { context: { problem: `${type} needs a value` } });
  return type === 'put' ? { type, key, value } : { type, key, expected, value };
}
