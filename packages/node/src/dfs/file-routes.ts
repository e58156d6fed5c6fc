import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { dfsError, type Manifest } from '@grp/dfs';
import type { PutFileOptions } from '@grp/dfs/node';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GrpError, type Clock, type Logger } from '@grp/core';
import { httpError } from '../errors.ts';
import type { RecordedRequest, Recorder } from '../record/recorder.ts';
import { asDocument } from '../http/documents.ts';
import { checkQuery, headerOf, switchOf, wholeOf, type Query } from '../http/query.ts';
import { patienceOf, type Patience } from '../http/patience.ts';
import { putDocument } from './dfs-documents.ts';
import type { DfsPart } from './dfs-part.ts';
import { asked, filesPath, hasLeader, nameInUrl, rangeOf } from './dfs-requests.ts';
import type { Transfers } from './transfers.ts';
import { uploadOf } from './upload.ts';

const versionMax = Number.MAX_SAFE_INTEGER;
const putQuery = ['if-version', 'if-absent', 'replicas', 'keep', 'request-id'];
/** A body that is said to be no longer is taken in whole first: it can go to another server when one has just gone. */
const gatheredBytesMax = 1_048_576;
// A version may be collected between the look-up and the reading, when others put the same name meanwhile.
const triesMax = 5;

type FileRequest = FastifyRequest<{ Querystring: Query }>;

/** `/v1/dfs/files/NAME`: streams, in and out. */
export function fileRoutes(app: FastifyInstance, part: DfsPart, parts: FileRouteParts): void {
  const { transfers, clock, logger, recorder } = parts;
  app.register(async (scope) => {
    // Whatever it is, it is bytes: handed on as they come, of any length.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    const path = `${filesPath}*`;
    scope.put<{ Querystring: Query }>(path, { config: { streams: true } }, async (request, reply) => {
      const put = putOptions(request);
      const name = nameInUrl(request.url);
      transfers.begin(request, reply);
      const file = { process: request.id, f: 'put', key: keyOf(name), value: headerOf(request, 'grp-sha256') ?? null };
      const patience = patienceOf(request, reply, clock);
      return noted(recorder, file, () => putFile(part, { request, reply, name, put, patience }));
    });
    scope.get<{ Querystring: Query }>(path, { exposeHeadRoute: false }, async (request, reply) => {
      const name = nameInUrl(request.url);
      transfers.begin(request, reply);
      const patience = patienceOf(request, reply, clock);
      return getFile({ part, clock, logger, recorder, request, reply, patience, name });
    });
    scope.head<{ Querystring: Query }>(path, async (request, reply) => {
      const patience = patienceOf(request, reply, clock);
      const get = { part, clock, logger, recorder, request, reply, patience, name: nameInUrl(request.url) };
      describe(reply, await manifestOf(get), undefined);
      return reply.send();
    });
    scope.delete<{ Querystring: Query }>(path, async (request, reply) => {
      checkQuery(request.query, ['if-version', 'request-id']);
      const name = nameInUrl(request.url);
      const ifVersion = wholeOf(request.query, 'if-version', 1, versionMax);
      const requestId = request.query['request-id'];
      const patience = patienceOf(request, reply, clock);
      const options = {
        signal: patience.signal,
        ...(ifVersion !== undefined && { ifVersion }),
        ...(requestId !== undefined && { requestId }),
      };
      const file = { process: request.id, f: 'remove', key: keyOf(name), value: null };
      const { version } = await noted(recorder, file, () =>
        told(part, patience, () => part.client.remove(name, options)),
      );
      return asDocument('dfs.rm', { name, version });
    });
  });
}

/** Files and the keys of the role `raft` are in one history. */
function keyOf(name: string): string {
  return `dfs/${name}`;
}

/** What a client did with a file, by version and digest: content is in no recording. */
async function noted<Result extends object>(
  recorder: Recorder | undefined,
  file: RecordedRequest,
  run: () => Promise<Result>,
): Promise<Result> {
  if (recorder === undefined) return run();
  return recorder.operation(file, run, (result) => {
    const { version = null, sha256 = null } = result as { readonly version?: number; readonly sha256?: string };
    return sha256 === null ? { version } : { version, sha256 };
  });
}

interface FileRouteParts {
  readonly transfers: Transfers;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recorder: Recorder | undefined;
}

interface PutParts {
  readonly request: FileRequest;
  readonly reply: FastifyReply;
  readonly name: string;
  readonly put: PutFileOptions;
  readonly patience: Patience;
}

async function putFile(part: DfsPart, { request, reply, name, put, patience }: PutParts): Promise<object> {
  const sha256 = headerOf(request, 'grp-sha256')?.toLowerCase();
  const { source, problem } = uploadOf(request.raw, sha256);
  try {
    const isSmall = (put.bytesHint ?? Infinity) <= gatheredBytesMax;
    const content = isSmall ? await gathered(source) : source;
    const { signal } = patience;
    const done = await told(part, patience, () => part.client.put(name, content, { ...put, signal }));
    reply.code(201).headers({ etag: `"${done.sha256}"`, 'grp-version': String(done.version) });
    return putDocument(done);
  } catch (cause) {
    // What still comes is thrown away, so that the client, which is still sending, gets to hear why.
    request.raw.resume();
    const wrong = problem();
    throw wrong === undefined ? cause : dfsError('DFS_REQUEST_INVALID', { context: { problem: wrong } });
  }
}

/** @throws GrpError DFS_SOURCE_CHANGED */
async function gathered(source: Readable): Promise<Buffer> {
  try {
    return await buffer(source);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw dfsError('DFS_SOURCE_CHANGED', { cause, context: { problem } });
  }
}

/** Conditions come in the query, or as HTTP has them: `If-None-Match: *`. @throws GrpError NODE_REQUEST_INVALID */
function putOptions(request: FileRequest): PutFileOptions {
  const { query } = request;
  checkQuery(query, putQuery);
  const noneMatch = headerOf(request, 'if-none-match');
  if (noneMatch !== undefined && noneMatch.trim() !== '*')
    throw httpError('NODE_REQUEST_INVALID', { context: { problem: 'a put takes no If-None-Match but *' } });
  const requestId = query['request-id'];
  if (requestId !== undefined && !/^[\u0021-\u007E]{1,64}$/.test(requestId))
    throw httpError('NODE_REQUEST_INVALID', { context: { problem: 'a request-id has 1 to 64 visible characters' } });
  const length = headerOf(request, 'content-length');
  return {
    ifVersion: wholeOf(query, 'if-version', 0, versionMax),
    ifAbsent: switchOf(query, 'if-absent') || noneMatch !== undefined,
    replicas: wholeOf(query, 'replicas', 1, 16),
    keep: wholeOf(query, 'keep', 1, 1_000),
    requestId,
    bytesHint: length === undefined ? undefined : Number(length),
  };
}

interface GetParts {
  readonly part: DfsPart;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recorder: Recorder | undefined;
  readonly request: FileRequest;
  readonly reply: FastifyReply;
  readonly name: string;
  readonly patience: Patience;
}

async function getFile(get: GetParts): Promise<unknown> {
  const { part, request, reply, name, logger, patience } = get;
  const { signal } = patience;
  for (let tries = 1; ; tries++) {
    const manifest = await manifestOf(get);
    if (headerOf(request, 'if-none-match') === `"${manifest.sha256}"`) return reply.code(304).send();
    const range = rangeOf(headerOf(request, 'range'), manifest.bytes);
    const { stream, found } = part.client.get(name, { version: manifest.version, range, signal });
    // Before it is sent, `found` tells; afterwards the connection can only be cut.
    stream.on('error', (cause) => {
      if (!signal.aborted) logger.log('warn', 'dfs.get-failed', { bytes: manifest.bytes, problem: problemIn(cause) });
    });
    try {
      await found;
    } catch (cause) {
      const isGone = (cause as GrpError).code === 'DFS_NOT_FOUND' && request.query['version'] === undefined;
      if (isGone && tries < triesMax) continue;
      const problem = 'none of its holders gave anything in time';
      const late = dfsError('DFS_UNREADABLE', { cause, context: { version: manifest.version, problem } });
      throw noQuorumOr(part, isLate(cause, patience) ? late : cause);
    }
    patience.end();
    describe(reply, manifest, range);
    return reply.send(stream);
  }
}

function problemIn(cause: Error): string {
  return cause instanceof GrpError ? `${cause.code}: ${cause.message}` : cause.message;
}

async function manifestOf(get: GetParts): Promise<Manifest> {
  const { part, clock, recorder, request, name } = get;
  const { signal } = get.patience;
  checkQuery(request.query, ['version']);
  const version = wholeOf(request.query, 'version', 1, versionMax);
  const lookup = { kind: 'lookup', name, version } as const;
  const ask = async () => (await asked(part, { request: lookup, kind: 'found', clock, signal })).manifest;
  // Which version is the newest is what can be old; the bytes of a version are checked by their digest.
  const file = { process: request.id, f: 'get', key: keyOf(name), value: null };
  return version === undefined ? noted(recorder, file, ask) : ask();
}

function describe(
  reply: FastifyReply,
  { bytes, sha256, version, at }: Manifest,
  range: { readonly offset: number; readonly length: number } | undefined,
): void {
  reply.headers({
    'content-type': 'application/octet-stream',
    'content-length': String(range?.length ?? bytes),
    'accept-ranges': 'bytes',
    etag: `"${sha256}"`,
    'grp-version': String(version),
    'last-modified': new Date(at).toUTCString(),
  });
  if (range === undefined) return;
  reply.code(206).header('content-range', `bytes ${range.offset}-${range.offset + range.length - 1}/${bytes}`);
}

async function told<Value>(part: DfsPart, patience: Patience, ask: () => Promise<Value>): Promise<Value> {
  // The store gives up, too, but may be in a pause between two questions.
  const givenUp = new Promise<never>((_resolve, reject) => {
    patience.signal.addEventListener('abort', () => reject(dfsError('DFS_ABORTED')), { once: true });
  });
  try {
    return await Promise.race([ask(), givenUp]);
  } catch (cause) {
    const context = { timeoutMs: patience.ms, problem: 'the client waits no longer' };
    throw noQuorumOr(part, isLate(cause, patience) ? dfsError('DFS_META_UNREACHABLE', { cause, context }) : cause);
  }
}

/** Given up for want of patience: it has been waited for in vain, like anything else that does not come. */
function isLate(cause: unknown, { ranOut }: Patience): boolean {
  return cause instanceof GrpError && cause.code === 'DFS_ABORTED' && ranOut();
}

/** That nobody answers for the metadata has a reason, when nobody leads it. */
function noQuorumOr({ group }: DfsPart, cause: unknown): unknown {
  const isSilent = cause instanceof GrpError && cause.code === 'DFS_META_UNREACHABLE';
  return isSilent && !hasLeader(group) ? dfsError('DFS_META_NO_QUORUM', { cause }) : cause;
}
