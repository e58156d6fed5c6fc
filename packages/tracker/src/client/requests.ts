import { Deadlines, type GrpError, type Millis } from '@grp/core';
import { trackerError } from '../errors.ts';
import { lineBytesMax, protocolVersion, type Command, type CommandName } from '../wire/messages.ts';
import { utf8 } from '../encoding.ts';
import { foldName } from '../names/names.ts';
import type { ClientEffect } from './effects.ts';

/** A request on its way to an answer. */
export interface Asked {
  readonly id: number;
  /** Undefined for the client's own. */
  readonly ticket: number | undefined;
  readonly command: Command;
  readonly line: string;
  readonly timeoutMs: Millis | undefined;
  readonly isRegistration: boolean;
  /** The connection that it was sent on last; undefined: it waits. */
  sentOn: number | undefined;
  wasSent: boolean;
}

export interface AddRequest {
  readonly ticket: number | undefined;
  readonly command: Command;
  /** Undefined: whoever asked sees to it. */
  readonly timeoutMs: Millis | undefined;
  readonly now: Millis;
  /** Where to send it at once. */
  readonly connection: number | undefined;
}

export interface ClientRequestsOptions {
  readonly max: number;
  readonly tracker: string;
  readonly emit: (effect: ClientEffect) => void;
}

/** Asking twice does no harm, or it is pointless later on. */
const notRepeated: ReadonlySet<CommandName> = new Set(['beat', 'relay', 'bye', 'view', 'hello', 'resume']);
/** Under a new session they mean the same as under the old one. */
const sessionless: ReadonlySet<CommandName> = new Set(['groups', 'members', 'join', 'metrics', 'away', 'admin']);

/** Requests by id: each ends with an answer, an error or its deadline, and there are never too many. */
export class ClientRequests {
  readonly #options: ClientRequestsOptions;
  readonly #asked = new Map<number, Asked>();
  readonly #byTicket = new Map<number, number>();
  readonly #deadlines = new Deadlines<number>();
  #id = 0;

  constructor(options: ClientRequestsOptions) {
    this.#options = options;
  }

  nextDeadline(): Millis | undefined {
    return this.#deadlines.earliest();
  }

  add({ ticket, command, timeoutMs, now, connection }: AddRequest): void {
    const { emit, max } = this.#options;
    if (this.#asked.size >= max && command.do !== 'bye') {
      if (ticket !== undefined) emit({ type: 'reject', ticket, error: trackerError('TRACKER_CLIENT_BUSY') });
      return;
    }
    const asked = this.#make(command, ticket, { timeoutMs, isRegistration: false });
    if (asked === undefined) return;
    if (ticket !== undefined) this.#byTicket.set(ticket, asked.id);
    if (timeoutMs !== undefined) this.#deadlines.set(asked.id, now + timeoutMs);
    if (connection !== undefined) this.#write(asked, connection);
  }

  /** Says hello or resumes; there is one such request at most, for it has its own connection. */
  register(command: Command, connection: number): void {
    const asked = this.#make(command, undefined, { timeoutMs: undefined, isRegistration: true });
    if (asked !== undefined) this.#write(asked, connection);
  }

  take(id: number): Asked | undefined {
    const asked = this.#asked.get(id);
    if (asked === undefined) return undefined;
    this.#asked.delete(id);
    this.#deadlines.delete(id);
    if (asked.ticket !== undefined) this.#byTicket.delete(asked.ticket);
    return asked;
  }

  /** One of this kind that has no answer yet. */
  find<Name extends 'join' | 'leave'>(name: Name, group: string): Extract<Command, { do: Name }> | undefined {
    const folded = foldName(group);
    for (const { command } of this.#asked.values()) {
      if (command.do === name && 'group' in command && foldName(command.group) === folded) {
        return command as Extract<Command, { do: Name }>;
      }
    }
    return undefined;
  }

  resolve({ ticket }: Asked, body: Readonly<Record<string, unknown>>): void {
    if (ticket !== undefined) this.#options.emit({ type: 'resolve', ticket, body });
  }

  reject({ ticket }: Asked, error: GrpError): void {
    if (ticket !== undefined) this.#options.emit({ type: 'reject', ticket, error });
  }

  cancel(ticket: number): Asked | undefined {
    const id = this.#byTicket.get(ticket);
    return id === undefined ? undefined : this.take(id);
  }

  /** Gives those that have waited long enough to `onExpired`, after they were refused. */
  expire(now: Millis, onExpired: (asked: Asked) => void): void {
    for (let id = this.#deadlines.takeDue(now); id !== undefined; id = this.#deadlines.takeDue(now)) {
      const asked = this.take(id);
      if (asked === undefined) continue;
      const { tracker: address } = this.#options;
      const code = asked.sentOn === undefined ? 'TRACKER_LOST' : 'TRACKER_TIMEOUT';
      this.reject(
        asked,
        trackerError(code, { context: { address, command: asked.command.do, timeoutMs: asked.timeoutMs ?? 0 } }),
      );
      onExpired(asked);
    }
  }

  /** The connection is gone: what can be asked again waits, the rest has failed. */
  onLost(): void {
    for (const asked of this.#asked.values()) {
      const wasSent = asked.sentOn !== undefined;
      asked.sentOn = undefined;
      if (asked.isRegistration || (wasSent && notRepeated.has(asked.command.do))) this.#lose(asked);
    }
  }

  /** What was asked under the old session and means something else now has failed. */
  onNewSession(): void {
    for (const asked of this.#asked.values()) {
      if (asked.wasSent && !sessionless.has(asked.command.do)) this.#lose(asked);
    }
  }

  sendWaiting(connection: number): void {
    for (const asked of this.#asked.values()) if (asked.sentOn === undefined) this.#write(asked, connection);
  }

  #lose(asked: Asked): void {
    this.take(asked.id);
    if (asked.command.do === 'bye') this.resolve(asked, {}); // whoever leaves gets what it wants
    else this.reject(asked, trackerError('TRACKER_LOST', { context: { address: this.#options.tracker } }));
  }

  #make(
    command: Command,
    ticket: number | undefined,
    { timeoutMs, isRegistration }: Pick<Asked, 'timeoutMs' | 'isRegistration'>,
  ): Asked | undefined {
    const id = ++this.#id;
    const line = JSON.stringify({ v: protocolVersion, id, ...command });
    if (utf8(line).length > lineBytesMax) {
      const error = trackerError('TRACKER_LINE_TOO_LONG', { context: { max: lineBytesMax } });
      if (ticket !== undefined) this.#options.emit({ type: 'reject', ticket, error });
      return undefined;
    }
    const asked: Asked = { id, ticket, command, line, timeoutMs, isRegistration, sentOn: undefined, wasSent: false };
    this.#asked.set(id, asked);
    return asked;
  }

  #write(asked: Asked, connection: number): void {
    asked.sentOn = connection;
    asked.wasSent = true;
    this.#options.emit({ type: 'write', connection, line: asked.line });
  }
}
