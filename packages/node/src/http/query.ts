import type { FastifyRequest } from 'fastify';
import { httpError } from '../errors.ts';

/** What follows the question mark, as far as `checkQuery` lets it pass. */
export type Query = Readonly<Record<string, string | undefined>>;

/** A whole number of the query; undefined when it is not there. @throws GrpError NODE_REQUEST_INVALID */
export function wholeOf(query: Query, key: string, min: number, max: number): number | undefined {
  const text = query[key];
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw invalid(`${key} must be a whole number from ${min} to ${max}`);
}

/** A switch of the query. @throws GrpError NODE_REQUEST_INVALID */
export function switchOf(query: Query, key: string): boolean {
  const text = query[key];
  if (text === undefined || text === 'false' || text === '0') return false;
  if (text === 'true' || text === '1' || text === '') return true;
  throw invalid(`${key} must be true or false`);
}

/** Refuses what is not in `known`, and what is given twice: a mistyped condition must not be one that always holds. */
export function checkQuery(query: Query, known: readonly string[]): void {
  const unknown = Object.keys(query).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalid(`${JSON.stringify(unknown.slice(0, 40))} is none of ${known.join(', ')}`);
  const twice = Object.keys(query).find((key) => typeof query[key] !== 'string');
  if (twice !== undefined) throw invalid(`${twice} is given more than once`);
}

/** A header that is there once. */
export function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** What the answer is to a request that makes no sense. */
export function invalid(problem: string): Error {
  return httpError('NODE_REQUEST_INVALID', { context: { problem } });
}
