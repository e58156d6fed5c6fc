import { GrpError, type ErrorKind } from '@grp/core';
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';

/** Trailers by which a client learns more than a status says. */
export const trailers = {
  code: 'grp-code',
  leader: 'grp-leader',
  retryAfterMs: 'grp-retry-after-ms',
} as const;

const statusOfKind: Readonly<Record<ErrorKind, status>> = {
  failure: status.INTERNAL,
  usage: status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  denied: status.PERMISSION_DENIED,
  unreachable: status.DEADLINE_EXCEEDED,
  conflict: status.ALREADY_EXISTS,
  'no-quorum': status.UNAVAILABLE,
  violated: status.INTERNAL,
};

/** Codes whose gRPC status is finer than that of their kind. */
const statusOfCode: Readonly<Record<string, status>> = {
  CHAT_LOGIN_REFUSED: status.UNAUTHENTICATED,
  CHAT_NOT_LOGGED_IN: status.UNAUTHENTICATED,
  CHAT_PASSWORD_CHANGED: status.UNAUTHENTICATED,
  CHAT_BUSY: status.RESOURCE_EXHAUSTED,
  CHAT_FULL: status.RESOURCE_EXHAUSTED,
  RAFT_NOT_LEADER: status.UNAVAILABLE,
  // Nothing was done, and another server, or this one in a moment, may do it.
  RAFT_TRANSFERRING: status.UNAVAILABLE,
  RAFT_OVERWRITTEN: status.UNAVAILABLE,
  RAFT_LOW_ON_SPACE: status.UNAVAILABLE,
  RAFT_STOPPED: status.UNAVAILABLE,
  RAFT_OVERLOADED: status.RESOURCE_EXHAUSTED,
};

/** An error as gRPC carries it: the status, our code, and where or when to try again. What is not ours stays inside. */
export function grpcError(cause: unknown, leader: string | undefined): ServiceError {
  const known = cause instanceof GrpError ? cause : undefined;
  const code = known === undefined ? status.INTERNAL : (statusOfCode[known.code] ?? statusOfKind[known.kind]);
  const metadata = new Metadata();
  metadata.set(trailers.code, known?.code ?? 'CHAT_INTERNAL');
  if (code === status.UNAVAILABLE && leader !== undefined) metadata.set(trailers.leader, leader);
  const retryAfterMs = known?.context['retryAfterMs'];
  if (retryAfterMs !== undefined) metadata.set(trailers.retryAfterMs, String(retryAfterMs));
  const details = known?.message ?? 'The server failed to answer; its log says why.';
  return Object.assign(new Error(details), { code, details, metadata });
}
