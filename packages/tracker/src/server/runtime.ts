import {
  Deadlines,
  type GrpError,
  type LogFields,
  type LogLevel,
  type Millis,
  type NodeId,
  type Random,
} from '@grp/core';
import type { TrackerConfig } from '../config.ts';
import { fromBase64, randomBytes, toBase64, utf8 } from '../encoding.ts';
import { toWire } from '../errors.ts';
import type { Signer, TrackerCrypto } from '../ports.ts';
import { protocolVersion, type NoticeName } from '../wire/messages.ts';
import type { Effect } from './effects.ts';
import { Health } from './health.ts';
import type { Connection, Group, Session } from './state.ts';
import { Buckets } from './token-bucket.ts';

/** A nick that somebody has, or has reserved. */
export interface Nick {
  readonly nick: string;
  session: Session | undefined;
  reserved: { readonly tokenHash: string; readonly key: string; readonly usedAt: number } | undefined;
}

export interface RuntimeOptions {
  readonly config: TrackerConfig;
  readonly crypto: TrackerCrypto;
  readonly signer: Signer;
  readonly random: Random;
  /** Wall-clock time of an instant of the machine. */
  readonly wallMs: (at: Millis) => number;
}

/** Buckets are kept for so many hosts. */
const hostsMax = 8_192;

/** What the parts of the machine share: the state, and the time and the effects of the current step. */
export class Runtime {
  readonly config: TrackerConfig;
  readonly crypto: TrackerCrypto;
  readonly signer: Signer;
  readonly trackerKey: string;
  readonly random: Random;
  readonly wallMs: (at: Millis) => number;
  readonly connections = new Map<number, Connection>();
  readonly sessions = new Map<NodeId, Session>();
  readonly nicks = new Map<string, Nick>();
  readonly groups = new Map<string, Group>();
  readonly deadlines = new Deadlines<string>();
  readonly hosts = new Buckets(hostsMax);
  readonly health = new Health();
  /** No group that comes begins below the number at which one of its name may have ended. */
  viewFloor = 0;
  motd = '';
  adminHash: string | undefined;
  now: Millis = 0;
  /** When `start` was. */
  startedAt: Millis = 0;
  /** Notices are numbered from here, so that no client takes one of this life for one of an older life. */
  noticesBefore = 0;
  #effects: Effect[] = [];
  #record = 0;
  #durable = 0;
  /** The last record that what is being handled has written. */
  #causedBy = 0;
  readonly #holding = new Set<Connection>();

  constructor({ config, crypto, signer, random, wallMs }: RuntimeOptions) {
    this.config = config;
    this.crypto = crypto;
    this.signer = signer;
    this.trackerKey = toBase64(signer.publicKey);
    this.random = random;
    this.wallMs = wallMs;
  }

  /** Records that the disk has not confirmed. */
  get recordsWaiting(): number {
    return this.#record - this.#durable;
  }

  get nowWallMs(): number {
    return Math.round(this.wallMs(this.now));
  }

  /** What is said from here on does not depend on what was written before. */
  beginCause(): void {
    this.#causedBy = 0;
  }

  /** What is said from here on depends on everything that was written. */
  afterAll(): void {
    this.#causedBy = this.#record;
  }

  effect(effect: Effect): void {
    this.#effects.push(effect);
  }

  takeEffects(): readonly Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  log(level: LogLevel, event: string, fields: LogFields = {}): void {
    this.#effects.push({ type: 'log', level, event, fields });
  }

  persist(key: string, value: unknown): void {
    this.#record++;
    this.#causedBy = this.#record;
    this.#effects.push({ type: 'persist', record: this.#record, key, value });
  }

  durable(record: number): void {
    this.#durable = Math.max(this.#durable, record);
    for (const connection of this.#holding) {
      const ready = connection.held.findIndex(({ after }) => after > this.#durable);
      const lines = connection.held.splice(0, ready < 0 ? connection.held.length : ready);
      for (const { line } of lines) this.#emit(connection, line);
      if (connection.held.length === 0) this.#holding.delete(connection);
    }
  }

  /**
   * Sends a line; one that says what was just written waits until the disk has it, and later lines of the connection wait
   * behind it: an answer never outruns its record.
   */
  send(connection: Connection, line: string): void {
    this.#hold(connection, line);
  }

  /** Sends what may be lost as well. */
  sendDroppable(connection: Connection, line: string): void {
    this.#effects.push({ type: 'send', connection: connection.number, line, isDroppable: true });
  }

  /** Closes after what was sent. */
  close(connection: Connection): void {
    this.#hold(connection, undefined);
  }

  /** A notice that is repeated after a resume until the client confirms it. */
  notify(session: Session, on: NoticeName, body: Readonly<Record<string, unknown>>): void {
    this.notifyEncoded(session, encodeNotice(on, body));
  }

  /** As `notify`, for many sessions at the cost of one encoding. */
  notifyEncoded(session: Session, body: string): void {
    this.health.count('notices');
    const line = session.notices.add(body);
    if (session.connection !== undefined) this.send(session.connection, line);
  }

  answerLine(re: number | undefined, body: Readonly<Record<string, unknown>>): string {
    return JSON.stringify({ v: protocolVersion, ...(re !== undefined && { re }), ...body });
  }

  refuse(connection: Connection, re: number | undefined, error: GrpError): void {
    this.health.refuse(error.code);
    this.send(connection, this.answerLine(re, { error: toWire(error) }));
  }

  /** 256 bits, base64url. */
  secret(): string {
    return toBase64(randomBytes(this.random, 32));
  }

  hash(secret: string): string {
    return toBase64(this.crypto.digest(utf8(secret)));
  }

  /** Verifies a client's signature. */
  verify(key: string, message: Uint8Array, signature: string): boolean {
    const [publicKey, bytes] = [fromBase64(key), fromBase64(signature)];
    return publicKey !== undefined && bytes !== undefined && this.crypto.verify(publicKey, message, bytes);
  }

  /** The connection has gone: nothing is held for it any more. */
  forget(connection: Connection): void {
    connection.held.length = 0;
    this.#holding.delete(connection);
    this.connections.delete(connection.number);
  }

  #hold(connection: Connection, line: string | undefined): void {
    if (connection.held.length === 0 && this.#causedBy <= this.#durable) {
      this.#emit(connection, line);
      return;
    }
    connection.held.push({ after: this.#causedBy, line });
    this.#holding.add(connection);
  }

  #emit({ number }: Connection, line: string | undefined): void {
    if (line === undefined) this.#effects.push({ type: 'close', connection: number });
    else this.#effects.push({ type: 'send', connection: number, line });
  }
}

/** A notice without its number. */
export function encodeNotice(on: NoticeName, body: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ on, ...body });
}
