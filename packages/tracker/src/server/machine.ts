import { GrpError, sanitizeText, type Machine, type Millis, type NodeId, type Wake } from '@grp/core';
import { randomBytes, toBase64 } from '../encoding.ts';
import { toWire, trackerError } from '../errors.ts';
import type { DecodedCommand } from '../wire/decode.ts';
import {
  lineBytesMax,
  protocolVersion,
  textLimits,
  type Command,
  type CommandName,
  type GroupInfo,
} from '../wire/messages.ts';
import type { Effect, Input } from './effects.ts';
import { groupInfo } from './group-info.ts';
import * as governance from './groups.ts';
import { hostOf } from './hosts.ts';
import { commitViews } from './membership.ts';
import * as peers from './peers.ts';
import { motdKey, restore } from './records.ts';
import * as reads from './reads.ts';
import type { Actor, Body, MemberActor, Reply } from './reply.ts';
import * as reports from './reports.ts';
import { Runtime, type RuntimeOptions } from './runtime.ts';
import * as sessions from './sessions.ts';
import type { Connection } from './state.ts';

export interface TrackerMachineOptions extends RuntimeOptions {
  /** What was journalled before; empty at the first start. */
  readonly entries?: ReadonlyMap<string, unknown>;
  /** Time of the start. */
  readonly now: Millis;
  /** Lets whoever knows it administrate; without it nobody may, but this process. */
  readonly adminToken?: string | undefined;
  /** Shown to everyone who connects; what was set later by `motd` wins. */
  readonly motd?: string | undefined;
}

type Limit = 'hello' | 'join' | 'change' | 'read' | 'none';

/** Which bucket a command draws from, and whether a repeated one gets its first answer again. */
const traits: Readonly<Record<CommandName, { readonly limit: Limit; readonly isOnce: boolean }>> = {
  hello: { limit: 'hello', isOnce: false },
  resume: { limit: 'hello', isOnce: false },
  admin: { limit: 'hello', isOnce: false },
  beat: { limit: 'none', isOnce: false },
  bye: { limit: 'none', isOnce: false },
  relay: { limit: 'none', isOnce: false },
  groups: { limit: 'read', isOnce: false },
  members: { limit: 'read', isOnce: false },
  view: { limit: 'read', isOnce: false },
  metrics: { limit: 'read', isOnce: false },
  join: { limit: 'join', isOnce: true },
  leave: { limit: 'join', isOnce: true },
  create: { limit: 'change', isOnce: true },
  policy: { limit: 'change', isOnce: true },
  topic: { limit: 'change', isOnce: true },
  role: { limit: 'change', isOnce: true },
  kick: { limit: 'change', isOnce: true },
  ban: { limit: 'change', isOnce: true },
  unban: { limit: 'change', isOnce: true },
  invite: { limit: 'change', isOnce: true },
  claim: { limit: 'change', isOnce: true },
  drop: { limit: 'change', isOnce: true },
  away: { limit: 'change', isOnce: true },
  address: { limit: 'change', isOnce: true },
  adopt: { limit: 'change', isOnce: true },
  report: { limit: 'change', isOnce: true },
  motd: { limit: 'change', isOnce: true },
};

/** Answers kept to be given again. */
const answersMax = 16;
const farewells = {
  line: 'TRACKER_LINE_TIMEOUT',
  hello: 'TRACKER_HELLO_TIMEOUT',
  'too-long': 'TRACKER_LINE_TOO_LONG',
  slow: 'TRACKER_RATE',
  flood: 'TRACKER_RATE',
} as const;

/** The tracker, without its sockets and its disk. */
export class TrackerMachine implements Machine<Input, Effect> {
  readonly #runtime: Runtime;
  /** Keys of journal entries that made no sense. */
  readonly refusedKeys: readonly string[];

  constructor({ entries, now, adminToken, motd, ...options }: TrackerMachineOptions) {
    this.#runtime = new Runtime(options);
    this.#runtime.now = now;
    this.#runtime.startedAt = now;
    // Below 2^53 for the next two centuries, with room for a thousand notices a millisecond.
    this.#runtime.noticesBefore = this.#runtime.nowWallMs * 1_000;
    this.#runtime.motd = sanitizeText(motd ?? '', { lengthMax: textLimits.motd, lines: true });
    if (adminToken !== undefined) this.#runtime.adminHash = this.#runtime.hash(adminToken);
    this.refusedKeys = restore(this.#runtime, entries ?? new Map());
    for (const { folded, emptySince } of this.#runtime.groups.values()) {
      if (emptySince === undefined) continue;
      const left = Math.max(0, emptySince + options.config.groupKeepMs - this.#runtime.nowWallMs);
      this.#runtime.deadlines.set(`group/${folded}`, now + left);
    }
  }

  step(inputs: readonly (Input | Wake)[], now: Millis): readonly Effect[] {
    const runtime = this.#runtime;
    runtime.now = now;
    for (const input of inputs) {
      runtime.beginCause();
      this.#take(input);
    }
    for (let key = runtime.deadlines.takeDue(now); key !== undefined; key = runtime.deadlines.takeDue(now)) {
      runtime.beginCause();
      this.#onDeadline(key);
    }
    return runtime.takeEffects();
  }

  nextDeadline(): Millis | undefined {
    return this.#runtime.deadlines.earliest();
  }

  /** How it is doing at this moment; without one, as of its last step. */
  health(now?: Millis): reports.TrackerHealth {
    return reports.healthOf(this.#runtime, now);
  }

  groupMetrics(): readonly reports.GroupMetrics[] {
    return reports.groupMetrics(this.#runtime);
  }

  groups(): readonly GroupInfo[] {
    return [...this.#runtime.groups.values()].map((group) => groupInfo(group));
  }

  #take(input: Input | Wake): void {
    const runtime = this.#runtime;
    switch (input.type) {
      case 'open':
        this.#open(input.connection, input.peer);
        break;
      case 'line':
        this.#line(input.connection, input.decoded);
        break;
      case 'closed': {
        const connection = runtime.connections.get(input.connection);
        if (connection === undefined) break;
        if (connection.session !== undefined) connection.session.connection = undefined;
        runtime.forget(connection);
        break;
      }
      case 'evict':
        this.#evict(input.connection, input.why);
        break;
      case 'durable':
        runtime.durable(input.record);
        break;
      case 'local':
        this.#local(input.ticket, input.command);
        break;
      case 'stop':
        for (const connection of runtime.connections.values()) {
          runtime.send(connection, runtime.answerLine(undefined, { on: 'bye', reason: 'shutdown' }));
          runtime.close(connection);
        }
        break;
      case 'wake':
        break;
    }
  }

  #open(number: number, peer: Connection['peer']): void {
    const runtime = this.#runtime;
    const nonce = randomBytes(runtime.random, 32);
    const connection: Connection = { number, peer, host: hostOf(peer), nonce, session: undefined, held: [] };
    runtime.connections.set(number, connection);
    runtime.health.count('connections');
    const { trackerKey: key, config, motd } = runtime;
    const greeting = { on: 'greeting', nonce: toBase64(nonce), key, beatMs: config.beatMs, motd };
    runtime.send(connection, runtime.answerLine(undefined, greeting));
  }

  #evict(number: number, why: keyof typeof farewells): void {
    const connection = this.#runtime.connections.get(number);
    if (connection === undefined) return;
    const context = { max: lineBytesMax, what: 'bytes waiting', retryAfterMs: 1_000 };
    this.#runtime.refuse(connection, undefined, trackerError(farewells[why], { context }));
    this.#runtime.close(connection);
  }

  #line(number: number, decoded: DecodedCommand): void {
    const connection = this.#runtime.connections.get(number);
    if (connection === undefined) return;
    if (connection.session !== undefined) connection.session.heardAt = this.#runtime.now;
    if ('malformed' in decoded) this.#refuseMalformed(connection, decoded);
    else this.#command(connection, decoded.id, decoded.command);
  }

  #refuseMalformed(connection: Connection, decoded: Extract<DecodedCommand, { malformed: string }>): void {
    const runtime = this.#runtime;
    switch (decoded.malformed) {
      case 'line':
        runtime.refuse(connection, decoded.id, trackerError('TRACKER_LINE_INVALID'));
        break;
      case 'unknown':
        runtime.refuse(connection, decoded.id, trackerError('TRACKER_COMMAND_UNKNOWN'));
        break;
      case 'version':
        // Whoever speaks another version may mean something else by the next line, too.
        runtime.refuse(
          connection,
          decoded.id,
          trackerError('TRACKER_VERSION', { context: { version: protocolVersion } }),
        );
        runtime.close(connection);
        break;
      case 'field': {
        const { id, name: command, field } = decoded;
        const code = command === 'report' ? 'TRACKER_METRICS_INVALID' : 'TRACKER_COMMAND_INVALID';
        runtime.refuse(connection, id, trackerError(code, { context: { command, field } }));
        break;
      }
    }
  }

  #command(connection: Connection, id: number, command: Command): void {
    const runtime = this.#runtime;
    const { session } = connection;
    const { isOnce } = traits[command.do];
    if (session !== undefined && isOnce) {
      // A join that was undone meanwhile (the session was lost) is not answered by what was true then.
      const isUndone = command.do === 'join' && !governance.isInside(runtime, session, command.group);
      const given = isUndone ? undefined : session.answers.get(id);
      if (given !== undefined) runtime.send(connection, given);
      if (given !== undefined || session.pending.has(id)) return;
      session.pending.add(id);
    }
    const say = (body: Body): void => {
      const line = runtime.answerLine(id, body);
      if (session !== undefined && isOnce) {
        session.pending.delete(id);
        session.answers.set(id, line);
        if (session.answers.size > answersMax) session.answers.delete([...session.answers.keys()][0] ?? id);
      }
      const target = session?.connection ?? runtime.connections.get(connection.number);
      if (target !== undefined) runtime.send(target, line);
    };
    const actor: Actor = { connection, session, isAdmin: session?.isAdmin === true, answer: say };
    const reply = this.#limited(actor, command) ?? this.#handle(actor, command);
    if (reply === 'later') return;
    if (reply instanceof GrpError) {
      runtime.health.refuse(reply.code);
      say({ error: toWire(reply) });
    } else say(reply);
  }

  #local(ticket: number, command: Command): void {
    const runtime = this.#runtime;
    const answer = (body: Body): void => runtime.effect({ type: 'settled', ticket, answer: body });
    const reply = this.#handle({ connection: undefined, session: undefined, isAdmin: true, answer }, command);
    if (reply instanceof GrpError) runtime.effect({ type: 'refused', ticket, error: toWire(reply), cause: reply });
    else if (reply !== 'later') answer(reply);
  }

  /** Undefined: go on. */
  #limited({ session, connection }: Actor, command: Command): GrpError | undefined {
    const { config, now, hosts } = this.#runtime;
    const { limit } = traits[command.do];
    let retryAfterMs = 0;
    if (limit === 'hello') {
      const rate = { perSecond: config.hellosPerSecond, burst: config.hellosBurst };
      retryAfterMs = hosts.take(`hello/${connection?.host ?? ''}`, now, rate);
    } else if (session === undefined) {
      return trackerError('TRACKER_NOT_REGISTERED');
    } else if (limit === 'join') {
      retryAfterMs = session.joins.take(now, { perSecond: config.joinsPerSecond, burst: config.joinsBurst });
    } else if (limit === 'change') {
      retryAfterMs = session.changes.take(now, { perSecond: config.changesPerSecond, burst: config.changesBurst });
    } else if (limit === 'read') {
      retryAfterMs = session.reads.take(now, { perSecond: config.readsPerSecond, burst: config.readsBurst });
    }
    if (retryAfterMs === 0) return undefined;
    return trackerError('TRACKER_RATE', { context: { what: `commands like ${command.do}`, retryAfterMs } });
  }

  #handle(actor: Actor, command: Command): Reply {
    const runtime = this.#runtime;
    switch (command.do) {
      case 'hello':
        return sessions.hello(runtime, actor, command);
      case 'resume':
        return sessions.resume(runtime, actor, command);
      case 'groups':
        return reads.groups(runtime, actor, command);
      case 'members':
        return reads.members(runtime, actor, command);
      case 'create':
        return governance.create(runtime, actor, command);
      case 'policy':
        return governance.policy(runtime, actor, command);
      case 'topic':
        return governance.topic(runtime, actor, command);
      case 'role':
        return governance.role(runtime, actor, command);
      case 'kick':
        return governance.kick(runtime, actor, command);
      case 'ban':
        return governance.ban(runtime, actor, command);
      case 'unban':
        return governance.unban(runtime, actor, command);
      case 'invite':
        return governance.invite(runtime, actor, command);
      case 'drop':
        return governance.drop(runtime, actor, command);
      case 'metrics':
        return reports.metrics(runtime, actor, command);
      case 'motd':
        return this.#motd(actor, command.text);
      default:
        return actor.session === undefined
          ? trackerError('TRACKER_NOT_REGISTERED')
          : this.#handleMember({ ...actor, session: actor.session }, command);
    }
  }

  #handleMember(actor: MemberActor, command: Command): Reply {
    const runtime = this.#runtime;
    switch (command.do) {
      case 'beat':
        return sessions.beat(runtime, actor, command);
      case 'bye':
        return sessions.bye(runtime, actor, command);
      case 'join':
        return governance.joinOrCreate(runtime, actor, command);
      case 'leave':
        return governance.leave(runtime, actor, command);
      case 'view':
        return reads.view(runtime, actor, command);
      case 'claim':
        return governance.claim(runtime, actor, command);
      case 'away':
        return sessions.away(runtime, actor, command);
      case 'address':
        return sessions.address(runtime, actor, command);
      case 'relay':
        return peers.relay(runtime, actor, command);
      case 'adopt':
        return peers.adopt(runtime, actor, command);
      case 'report':
        return reports.report(runtime, actor, command);
      case 'admin':
        return this.#admin(actor, command.token);
      default:
        return trackerError('TRACKER_COMMAND_UNKNOWN');
    }
  }

  #admin({ session }: MemberActor, token: string): Reply {
    const { adminHash } = this.#runtime;
    if (adminHash === undefined || this.#runtime.hash(token) !== adminHash) {
      return trackerError('TRACKER_ADMIN_ONLY', { context: { command: 'admin' } });
    }
    session.isAdmin = true;
    return {};
  }

  #motd({ isAdmin }: Actor, text: string): Reply {
    if (!isAdmin) return trackerError('TRACKER_ADMIN_ONLY', { context: { command: 'motd' } });
    const runtime = this.#runtime;
    runtime.motd = sanitizeText(text, { lengthMax: textLimits.motd, lines: true });
    runtime.persist(motdKey, runtime.motd);
    for (const session of runtime.sessions.values()) runtime.notify(session, 'motd', { text: runtime.motd });
    return {};
  }

  #onDeadline(key: string): void {
    const runtime = this.#runtime;
    const slash = key.indexOf('/');
    const [kind, name] = [key.slice(0, slash), key.slice(slash + 1)];
    if (kind === 'session') {
      const session = runtime.sessions.get(name as NodeId);
      if (session !== undefined) sessions.onSilence(runtime, session);
      return;
    }
    const group = runtime.groups.get(name);
    if (group === undefined) return;
    if (kind === 'view') commitViews(runtime, group);
    else if (group.members.size === 0 && group.joining.size === 0)
      governance.forgetGroup(runtime, group, 'the tracker');
  }
}
