import type { Conditions } from '../messages.ts';
import type { ServerId } from '../model.ts';
import type {
  AddHoldersCommand,
  Command,
  DeletedCommand,
  DownCommand,
  DropHolderCommand,
  JoinCommand,
  PurgeCommand,
  PutCommand,
  RemoveCommand,
  Result,
  TombstoneCommand,
} from './commands.ts';
import { writeQuorumOf, type Remembered } from './records.ts';
import type { MetaState } from './state.ts';

const done: Result = { kind: 'done' };

/** Carries out one command: deterministic, whatever it contains. */
export function applyCommand(state: MetaState, command: Command): Result {
  switch (command.kind) {
    case 'put':
      return applyPut(state, command);
    case 'remove':
      return applyRemove(state, command);
    case 'tombstone':
      return applyTombstone(state, command);
    case 'add-holders':
      return applyAddHolders(state, command);
    case 'drop-holder':
      return applyDropHolder(state, command);
    case 'deleted':
      return applyDeleted(state, command);
    case 'join':
      return applyJoin(state, command);
    case 'down':
      return applyDown(state, command);
    default:
      return applyPurge(state, command);
  }
}

function applyPut(state: MetaState, command: PutCommand): Result {
  const { requestId, blob, name, acks } = command;
  const remembered = state.requests.get(requestId);
  if (remembered !== undefined) {
    // A retry that has sent its bytes once more, under another id: these copies are nobody's.
    if (!state.blobs.has(blob)) state.bury(blob, nodesOf(acks));
    return remembered;
  }
  const known = state.blobs.get(blob);
  if (known !== undefined)
    return known.name === name
      ? { kind: 'committed', version: known.version, holders: [...known.holders] }
      : { kind: 'tombstoned' };
  if (state.tombstones.has(blob) || command.epoch <= state.tombstoneFloor) return { kind: 'tombstoned' };
  const valid = validHolders(state, command);
  if (valid.length < writeQuorumOf(command.replicas)) return { kind: 'stale', valid };
  const refusal = conflictOf(state, name, command) ?? fullness(state, command);
  if (refusal === undefined) return commit(state, command, valid);
  state.bury(blob, valid);
  if (refusal.kind === 'conflict') state.remember(requestId, refusal);
  return refusal;
}

function commit(state: MetaState, command: PutCommand, holders: readonly ServerId[]): Result {
  const { name, blob, bytes, sha256, replicas, keep, at } = command;
  const version = state.position;
  const record = { blob, name, version, bytes, sha256, replicas, at, holders, changedAt: version };
  state.addBlob(record);
  state.addVersion(name, record, keep);
  const outcome: Remembered = { kind: 'committed', version, holders: record.holders };
  state.remember(command.requestId, outcome);
  return outcome;
}

/** Of the servers that acknowledged, those whose acknowledgement is of their current life, each once. */
function validHolders(state: MetaState, { acks }: PutCommand): readonly ServerId[] {
  const { fencesLives } = state.rules;
  const valid = acks.filter(({ node, incarnation }) =>
    fencesLives ? state.isCurrent(node, incarnation) : state.servers.get(node)?.up === true,
  );
  return [...new Set(nodesOf(valid))];
}

function nodesOf(acks: PutCommand['acks']): readonly ServerId[] {
  return acks.map(({ node }) => node);
}

function conflictOf(state: MetaState, name: string, { ifVersion, ifAbsent }: Conditions): Remembered | undefined {
  const newest = state.newest(name);
  const version = newest?.version ?? 0;
  const isThere = newest?.blob !== undefined;
  const holds = (ifVersion === undefined || ifVersion === version) && !(ifAbsent === true && isThere);
  return holds ? undefined : { kind: 'conflict', version, deleted: newest !== undefined && !isThere };
}

function fullness(state: MetaState, { name, bytes }: PutCommand): Extract<Result, { kind: 'full' }> | undefined {
  const { filesMax, quotaBytes } = state.config;
  if (state.files.size >= filesMax && !state.files.has(name))
    return { kind: 'full', problem: `it has ${filesMax} files` };
  if (state.bytes + bytes > quotaBytes) return { kind: 'full', problem: `its quota is ${quotaBytes} bytes` };
  return undefined;
}

function applyRemove(state: MetaState, { name, requestId, ifVersion, at }: RemoveCommand): Result {
  const remembered = state.requests.get(requestId);
  if (remembered !== undefined) return remembered;
  const newest = state.newest(name);
  const isThere = newest?.blob !== undefined;
  const holds = isThere && (ifVersion === undefined || ifVersion === newest.version);
  if (!holds) {
    const outcome: Remembered = {
      kind: 'conflict',
      version: newest?.version ?? 0,
      deleted: newest !== undefined && !isThere,
    };
    state.remember(requestId, outcome);
    return outcome;
  }
  const version = state.position;
  state.addVersion(name, { version, blob: undefined, bytes: 0, sha256: '', replicas: 0, at }, undefined);
  const outcome: Remembered = { kind: 'committed', version, holders: [] };
  state.remember(requestId, outcome);
  return outcome;
}

function applyTombstone(state: MetaState, { blob, holders }: TombstoneCommand): Result {
  // The put was quicker: what has a version stays.
  if (!state.blobs.has(blob)) state.bury(blob, holders);
  return done;
}

function applyAddHolders(state: MetaState, { items }: AddHoldersCommand): Result {
  const { fencesLives, fencesDrops } = state.rules;
  for (const { blob, ack } of items) {
    const record = state.blobs.get(blob);
    const server = state.servers.get(ack.node);
    const isStale = fencesLives && !state.isCurrent(ack.node, ack.incarnation);
    if (server === undefined || !server.up || isStale) continue;
    if (record === undefined) {
      // A replica that came after its version was given up.
      if (state.tombstones.has(blob)) state.orderDeletion(blob, ack.node);
      continue;
    }
    if (fencesDrops && (ack.epoch <= (server.dropped.get(blob) ?? -1) || server.deletions.has(blob))) continue;
    state.addHolder(record, ack.node);
  }
  return done;
}

function applyDropHolder(state: MetaState, command: DropHolderCommand): Result {
  const { blob, node, incarnation, onlyExcess, asOf } = command;
  const record = state.blobs.get(blob);
  if (record === undefined || !state.isCurrent(node, incarnation)) return done;
  if (asOf > 0 && record.changedAt > asOf) return done;
  const isHolder = record.holders.includes(node);
  if (isHolder && onlyExcess && record.holders.length <= record.replicas) return done;
  // A report may be wrong: the last copy is left where it is, whatever is said of it.
  if (isHolder && record.holders.length === 1) return done;
  state.removeHolder(record, node);
  state.orderDeletion(blob, node);
  return done;
}

function applyDeleted(state: MetaState, { node, incarnation, items }: DeletedCommand): Result {
  const server = state.servers.get(node);
  if (server === undefined || server.incarnation !== incarnation) return done;
  for (const { blob, epoch } of items) state.deletionDone(server, blob, epoch);
  return done;
}

function applyJoin(state: MetaState, command: JoinCommand): Result {
  const old = state.servers.get(command.node);
  // The same life that asks again, because it did not hear the answer.
  if (old !== undefined && old.life === command.life && old.up) return { kind: 'joined', incarnation: old.incarnation };
  return { kind: 'joined', incarnation: state.beginLife(command) };
}

function applyDown(state: MetaState, { node, incarnation }: DownCommand): Result {
  const server = state.servers.get(node);
  if (server !== undefined && server.up && server.incarnation === incarnation) state.endLife(server);
  return done;
}

function applyPurge(state: MetaState, { name, version }: PurgeCommand): Result {
  const newest = state.newest(name);
  if (newest !== undefined && newest.version === version && newest.blob === undefined) state.forgetFile(name);
  return done;
}
