import { Deadlines, fraction, type GrpError, sanitizeText, type Machine, type Millis, type Wake } from '@grp/core';
import { fromBase64 } from '../encoding.ts';
import { fromWire, trackerError, type WireError } from '../errors.ts';
import { checkSuccession, type Succession } from '../succession.ts';
import type { DecodedReply } from '../wire/decode.ts';
import { isWrong, readShape } from '../wire/fields.ts';
import type { Command, GroupInfo, Notice } from '../wire/messages.ts';
import { resultShapes } from '../wire/results.ts';
import type { TrackerEvent, TrackerSession } from './api.ts';
import type { ClientEffect, ClientInput } from './effects.ts';
import { ClientGroups, type Told } from './groups.ts';
import type { ClientMachineOptions, Link } from './options.ts';
import { Pulse } from './pulse.ts';
import { Registration } from './registration.ts';
import { ClientRequests, type Asked } from './requests.ts';

/** The client of a tracker, without its socket. */
export class ClientMachine implements Machine<ClientInput, ClientEffect> {
  readonly #options: ClientMachineOptions;
  readonly groups = new ClientGroups();
  readonly #deadlines = new Deadlines<'dial' | 'beat' | 'greet' | 'requests'>();
  readonly #requests: ClientRequests;
  #effects: ClientEffect[] = [];
  #now: Millis = 0;
  #link: Link = { name: 'idle' };
  #connection = 0;
  #attempts = 0;
  readonly #registration: Registration;
  readonly #pulse = new Pulse();
  #seen = 0;

  constructor(options: ClientMachineOptions) {
    this.#options = options;
    this.#registration = new Registration(options);
    this.#requests = new ClientRequests({
      max: options.config.requestsMax,
      tracker: options.tracker,
      emit: (effect) => this.#effects.push(effect),
    });
  }

  get session(): TrackerSession | undefined {
    return this.#registration.session;
  }

  get rttMs(): number | undefined {
    return this.#pulse.rttMs;
  }

  get wallOffsetMs(): number | undefined {
    return this.#pulse.wallOffsetMs;
  }

  step(inputs: readonly (ClientInput | Wake)[], now: Millis): readonly ClientEffect[] {
    this.#now = now;
    for (const input of inputs) this.#take(input);
    for (let due = this.#deadlines.takeDue(now); due !== undefined; due = this.#deadlines.takeDue(now))
      this.#onDeadline(due);
    const waitsUntil = this.#requests.nextDeadline();
    if (waitsUntil === undefined) this.#deadlines.delete('requests');
    else this.#deadlines.set('requests', waitsUntil);
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  nextDeadline(): Millis | undefined {
    return this.#deadlines.earliest();
  }

  #take(input: ClientInput | Wake): void {
    switch (input.type) {
      case 'start':
        this.#dial();
        break;
      case 'line':
        if ('connection' in this.#link && this.#link.connection === input.connection) this.#onLine(input.decoded);
        break;
      case 'closed':
        if ('connection' in this.#link && this.#link.connection === input.connection) this.#onLost(input.reason);
        break;
      case 'request':
        this.#request(input.ticket, input.command, input.timeoutMs);
        break;
      case 'cancel':
        this.#onGivenUp(this.#requests.cancel(input.ticket));
        break;
      case 'adopt':
        this.#adopt(input.succession);
        break;
      case 'bye':
        this.#bye(input.ticket, input.reason);
        break;
      case 'wake':
        break;
    }
  }

  #onDeadline(due: 'dial' | 'beat' | 'greet' | 'requests'): void {
    if (due === 'dial') this.#dial();
    else if (due === 'beat') this.#beat();
    else if (due === 'requests') this.#requests.expire(this.#now, (asked) => this.#onGivenUp(asked));
    else this.#hangUp('no greeting');
  }

  #dial(): void {
    this.#link = { name: 'greeting', connection: ++this.#connection };
    this.#deadlines.set('greet', this.#now + this.#options.config.dialTimeoutMs);
    this.#effects.push({ type: 'dial', connection: this.#connection });
  }

  #hangUp(reason: string): void {
    if (!('connection' in this.#link)) return;
    this.#effects.push({ type: 'hang-up', connection: this.#link.connection });
    this.#onLost(reason);
  }

  /** Tries again, a little later each time, and never all clients at once. */
  #onLost(reason: string): void {
    const wasReady = this.#link.name === 'ready';
    this.#link = { name: 'waiting' };
    this.#deadlines.delete('beat');
    this.#deadlines.delete('greet');
    this.#requests.onLost();
    const { backoffMinMs, backoffMaxMs, reclaimedRetryMs } = this.#options.config;
    const retryMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(this.#attempts++, 16));
    const backoffMs = this.#registration.isYielding ? reclaimedRetryMs : retryMs;
    this.#deadlines.set('dial', this.#now + backoffMs * (0.5 + fraction(this.#options.random) / 2));
    if (wasReady) this.#event({ type: 'lost', reason });
  }

  #onLine(decoded: DecodedReply): void {
    this.#pulse.heard();
    switch (decoded.type) {
      case 'malformed':
        break; // a newer tracker says what we do not know
      case 'notice':
        this.#onNotice(decoded.notice, decoded.n);
        break;
      case 'answer':
        this.#onAnswer(decoded.re, decoded.body);
        break;
      case 'error':
        this.#onError(decoded.re, decoded.error);
        break;
    }
  }

  #onAnswer(re: number, body: Readonly<Record<string, unknown>>): void {
    const asked = this.#requests.take(re);
    if (asked === undefined) return;
    const read = readShape(resultShapes[asked.command.do], body);
    if (isWrong(read)) {
      this.#requests.reject(asked, trackerError('TRACKER_ANSWER_INVALID', { context: { command: asked.command.do } }));
      if (asked.isRegistration) this.#hangUp('a welcome that makes no sense');
      return;
    }
    const result: Readonly<Record<string, unknown>> = read;
    if (asked.isRegistration) this.#onWelcome(asked, result);
    else if (asked.command.do === 'beat' && asked.ticket === undefined)
      this.#pulse.answered(this.#now, Number(result['wallMs']));
    else this.#onDone(asked, result);
  }

  #onDone(asked: Asked, result: Readonly<Record<string, unknown>>): void {
    const { command } = asked;
    // Whoever has left again before the answer came does not want the group back.
    if (command.do === 'join' && this.#requests.find('leave', command.group) === undefined) {
      const isKnown = this.groups.isExpected(command.group);
      if (!isKnown) this.groups.expect(command);
      this.groups.joined(command.group, result as unknown as GroupInfo);
      if (!isKnown) this.#send({ do: 'view', group: command.group });
    }
    this.#requests.resolve(asked, result);
  }

  #onError(re: number | undefined, wire: WireError): void {
    const error = fromWire(wire);
    const asked = re === undefined ? undefined : this.#requests.take(re);
    if (asked === undefined) {
      // A farewell: the connection is closed after it.
      if (error.code === 'TRACKER_VERSION') this.#refused(error);
      return;
    }
    if (asked.isRegistration) this.#onRefusal(asked, error);
    else {
      this.#onGivenUp(asked);
      this.#requests.reject(asked, error);
      const isOwn = asked.ticket === undefined && asked.command.do === 'join';
      if (isOwn) this.#rejoinRefused(asked.command, error);
    }
  }

  /** Nobody waits for it any more. A join that happens all the same is taken back by `#onNotice`. */
  #onGivenUp(asked: Asked | undefined): void {
    if (asked?.command.do !== 'join' || this.#requests.find('join', asked.command.group) !== undefined) return;
    this.groups.giveUp(asked.command.group);
  }

  /** A group that could not be joined again under a new session. */
  #rejoinRefused(command: Command, error: GrpError): void {
    if (command.do !== 'join') return;
    this.groups.forget(command.group);
    const group = sanitizeText(command.group, { lengthMax: 64 });
    this.#event({ type: 'removed', group, reason: 'lost', by: '', text: error.message });
  }

  #onNotice(notice: Notice, n: number | undefined): void {
    if (n !== undefined) {
      if (notice.on !== 'gap' && n <= this.#seen) return; // repeated after a resume
      this.#seen = n;
    }
    switch (notice.on) {
      case 'greeting':
        this.#onGreeting(notice);
        break;
      case 'gap':
        break;
      case 'bye':
        if (notice.reason === 'reclaimed') {
          this.#registration.yieldNick();
          this.#refused(trackerError('TRACKER_RECLAIMED'));
        } else this.#hangUp(sanitizeText(notice.reason, { lengthMax: 64 }));
        break;
      case 'motd':
        this.#event({ type: 'motd', text: this.#registration.setMotd(notice.text) });
        break;
      case 'invite':
        this.#event({
          type: 'invite',
          group: sanitizeText(notice.group, { lengthMax: 64 }),
          by: sanitizeText(notice.by, { lengthMax: 64 }),
        });
        break;
      case 'relay': {
        const payload = fromBase64(notice.payload);
        const group = this.groups.get(notice.group);
        if (payload === undefined || group === undefined) break;
        this.#event({ type: 'relay', group: group.info.group, from: notice.from, payload });
        break;
      }
      default:
        if (this.groups.isExpected(notice.group) || this.#isStillWanted(notice))
          this.#tell(this.groups.take(notice), notice);
    }
  }

  #tell(told: Told, { group }: { readonly group: string }): void {
    if (told === 'resync') this.#send({ do: 'view', group });
    else if (told !== undefined) this.#event(told);
  }

  /** A group that we are not in, as we see it: a join that was given up has succeeded, or a leave got lost. */
  #isStillWanted({ on, group }: { readonly on: string; readonly group: string }): boolean {
    const joining = this.#requests.find('join', group);
    if (joining !== undefined) this.groups.expect(joining);
    else if ((on === 'members' || on === 'view') && this.#requests.find('leave', group) === undefined) {
      this.#send({ do: 'leave', group });
    }
    return joining !== undefined;
  }

  #onGreeting(greeting: Extract<Notice, { on: 'greeting' }>): void {
    if (this.#link.name !== 'greeting') return;
    if (!this.#registration.greet(greeting)) {
      this.#refused(trackerError('TRACKER_KEY_CHANGED', { context: { found: greeting.key } }));
      return;
    }
    this.#pulse.beatMs = greeting.beatMs;
    this.#link = { name: 'registering', connection: this.#link.connection };
    this.#register();
  }

  #register(): void {
    if ('connection' in this.#link)
      this.#requests.register(this.#registration.command(this.#seen), this.#link.connection);
  }

  #onWelcome({ command }: Asked, result: Readonly<Record<string, unknown>>): void {
    if (this.#link.name !== 'registering') return;
    const isFirst = this.#registration.session === undefined;
    const isResumed = command.do === 'resume';
    const welcome = this.#registration.welcome(result);
    if (welcome === undefined) {
      this.#hangUp('the tracker does not hold its key');
      return;
    }
    if (!isResumed) this.#seen = welcome.n ?? 0;
    this.#pulse.wallOffsetMs = welcome.wallMs - this.#now;
    this.#deadlines.delete('greet');
    this.#link = { name: 'ready', connection: this.#link.connection };
    this.#attempts = 0;
    this.#pulse.heard();
    this.#deadlines.set('beat', this.#now + this.#pulse.beatMs);
    if (isFirst) this.#effects.push({ type: 'ready', session: welcome.now });
    else this.#event({ type: 'back', session: welcome.now, isResumed });
    this.#catchUp(isResumed);
  }

  /** Under the old session: what was agreed on meanwhile, and unanswered requests. Under a new one: the groups again. */
  #catchUp(isResumed: boolean): void {
    if (!('connection' in this.#link)) return;
    const { connection } = this.#link;
    if (isResumed) {
      for (const { info } of this.groups.list()) {
        for (const succession of this.groups.successions(info.group)) this.#send({ do: 'adopt', ...succession });
      }
    } else {
      const again = this.groups.requests();
      this.groups.onNewSession();
      this.#requests.onNewSession();
      for (const request of again) this.#send({ ...request, do: 'join', create: this.#options.recreate !== false });
    }
    this.#requests.sendWaiting(connection);
  }

  #onRefusal({ command }: Asked, error: GrpError): void {
    if (command.do === 'resume' && error.code === 'TRACKER_SESSION_UNKNOWN') {
      this.#registration.forget();
      this.#register();
    } else this.#refused(error);
  }

  /** Before the first welcome that is the end; later it may be over soon (a nick that somebody took meanwhile). */
  #refused(error: GrpError): void {
    const isPassing = error.code === 'TRACKER_RATE' || error.code === 'TRACKER_BUSY';
    if (this.#registration.session === undefined && !isPassing) {
      this.#end(error);
      return;
    }
    this.#event({ type: 'refused', error });
    this.#hangUp(error.code);
  }

  /** Trying again would not help. */
  #end(error: GrpError): void {
    if ('connection' in this.#link) this.#effects.push({ type: 'hang-up', connection: this.#link.connection });
    this.#stop();
    this.#effects.push({ type: 'fatal', error });
  }

  #beat(): void {
    if (this.#link.name !== 'ready') return;
    if (!this.#pulse.beat(this.#now, this.#options.config.missedBeatsMax)) {
      this.#hangUp('no answer to heartbeats');
      return;
    }
    this.#deadlines.set('beat', this.#now + this.#pulse.beatMs);
    this.#send({ do: 'beat', seen: this.#seen });
  }

  #request(ticket: number, command: Command, timeoutMs: number): void {
    if (command.do === 'join') this.groups.expect(command);
    else if (command.do === 'leave') this.groups.forget(command.group); // whatever the tracker says to that
    const connection = this.#link.name === 'ready' ? this.#link.connection : undefined;
    this.#requests.add({ ticket, command, timeoutMs, now: this.#now, connection });
  }

  /** A request of the client's own. */
  #send(command: Command): void {
    if (this.#link.name !== 'ready') return;
    const { requestTimeoutMs: timeoutMs } = this.#options.config;
    this.#requests.add({ ticket: undefined, command, timeoutMs, now: this.#now, connection: this.#link.connection });
  }

  #adopt(succession: Succession): void {
    const group = this.groups.get(succession.group);
    if (group === undefined || checkSuccession(succession, group.view, this.#options.crypto) !== 'valid') return;
    const event = this.groups.succeed(succession);
    if (event === undefined) return;
    this.#event(event);
    this.#send({ do: 'adopt', ...succession });
  }

  #bye(ticket: number, reason: string): void {
    if (this.#link.name !== 'ready') {
      this.#effects.push({ type: 'resolve', ticket, body: {} });
      this.#stop();
      return;
    }
    const { connection } = this.#link;
    this.#requests.add({ ticket, command: { do: 'bye', reason }, timeoutMs: undefined, now: this.#now, connection });
    this.#deadlines.delete('beat');
  }

  #stop(): void {
    this.#link = { name: 'stopped' };
    for (const key of ['dial', 'beat', 'greet', 'requests'] as const) this.#deadlines.delete(key);
  }

  #event(event: TrackerEvent): void {
    this.#effects.push({ type: 'event', event });
  }
}
