import type { Address, NodeId } from '@grp/core';
import { NoticeLog } from './notice-log.ts';
import type { Runtime } from './runtime.ts';
import type { Connection, Session } from './state.ts';
import { TokenBucket } from './token-bucket.ts';

export interface NewSession {
  readonly id: NodeId;
  readonly nick: string;
  readonly folded: string;
  readonly key: string;
  readonly tokenHash: string;
  readonly address: Address;
  readonly host: string;
  readonly connection: Connection | undefined;
  /** Only views still name it (default false). */
  readonly hasEnded?: boolean | undefined;
}

/** Makes a session, known by its id, by its nick, and to the clock unless it has ended. */
export function newSession(runtime: Runtime, given: NewSession): Session {
  const { id, nick, folded, key, tokenHash, address, host, connection } = given;
  const { joinsBurst, changesBurst, readsBurst, relayBytesBurst, noticesKeptBytesMax, lostMs } = runtime.config;
  const session: Session = {
    ...{ id, nick, folded, key, tokenHash, address, host, connection },
    reflexive: undefined,
    away: undefined,
    state: 'here',
    heardAt: runtime.now,
    isAdmin: false,
    viewCount: 0,
    groups: new Map(),
    notices: new NoticeLog(noticesKeptBytesMax, runtime.noticesBefore),
    answers: new Map(),
    pending: new Set(),
    reports: new Map(),
    ticketsAt: new Map(),
    joins: new TokenBucket(joinsBurst),
    changes: new TokenBucket(changesBurst),
    reads: new TokenBucket(readsBurst),
    relays: new TokenBucket(relayBytesBurst),
  };
  if (given.hasEnded === true) return session;
  runtime.sessions.set(id, session);
  const known = runtime.nicks.get(folded);
  if (known === undefined) runtime.nicks.set(folded, { nick, session, reserved: undefined });
  else known.session = session;
  runtime.deadlines.set(`session/${id}`, runtime.now + lostMs);
  return session;
}
