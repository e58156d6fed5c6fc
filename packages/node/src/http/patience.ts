import type { Clock } from '@grp/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { httpError } from '../errors.ts';
import { goneSignal } from './gone-signal.ts';

/** The header by which a client says how many milliseconds it waits without anything moving. */
export const patienceHeader = 'grp-timeout-ms';
const patienceMsMax = 2_147_483_647;
/** Of the patience; the rest is for the answer's way back. */
const share = 0.9;
const looks = 10;

/** How long a client waits for its answer. */
export interface Patience {
  /** Aborts when the client has hung up, and shortly before it would. */
  readonly signal: AbortSignal;
  /** Whether it aborted because the client is about to hang up: it still hears why it had to wait. */
  readonly ranOut: () => boolean;
  /** What the client said, in milliseconds; infinite when it said nothing. */
  readonly ms: number;
  /** The answer has begun: what remains of it is not timed here. */
  readonly end: () => void;
}

/**
 * The patience of the client of one request. A client that gives up on its own learns only that nobody answered in time;
 * one that says beforehand how long it waits gets the reason, such as that there is no majority. Bytes in either
 * direction count as an answer that is coming. @throws GrpError NODE_REQUEST_INVALID
 */
export function patienceOf(request: FastifyRequest, reply: FastifyReply, clock: Clock): Patience {
  const given = request.headers[patienceHeader];
  const gone = goneSignal(reply);
  if (given === undefined) return { signal: gone, ranOut: () => false, ms: Infinity, end: () => {} };
  const ms = typeof given === 'string' && /^\d{1,10}$/.test(given) ? Number(given) : 0;
  if (ms < 1 || ms > patienceMsMax) {
    const problem = `${patienceHeader} must be a whole number from 1 to ${patienceMsMax}`;
    throw httpError('NODE_REQUEST_INVALID', { context: { problem } });
  }
  const late = new AbortController();
  const cancel = whenStill(clock, { ms: ms * share, moved: () => movedBy(request) }, () => late.abort());
  reply.raw.once('close', cancel);
  return { signal: AbortSignal.any([gone, late.signal]), ranOut: () => late.signal.aborted, ms, end: cancel };
}

function movedBy({ raw }: FastifyRequest): number {
  return raw.socket.bytesRead + raw.socket.bytesWritten;
}

interface Stillness {
  readonly ms: number;
  /** Grows with every byte. */
  readonly moved: () => number;
}

/** Calls back once nothing has moved for `ms`. Looks now and then, so that bytes cost nothing. */
function whenStill(clock: Clock, { ms, moved }: Stillness, onStill: () => void): () => void {
  let [seen, since] = [moved(), clock.now()];
  let cancel = clock.wakeAt(since + ms / looks, look);
  function look(): void {
    const now = clock.now();
    const count = moved();
    if (count !== seen) [seen, since] = [count, now];
    if (now - since >= ms) onStill();
    else cancel = clock.wakeAt(Math.min(now + ms / looks, since + ms), look);
  }
  return () => cancel();
}
