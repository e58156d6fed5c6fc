import { Events, silentLogger, systemClock, systemRandom, tryParseAddress } from '@grp/core';
import type { Address, Cancel, Clock, IterateOptions, Logger, NodeId, Random, Streams, Transport } from '@grp/core';
import { createLinks, type Links, type RefusingTransport } from '@grp/link';
import { createTrackerClient, foldName, type JoinedGroup, type RequestOptions, type Signer } from '@grp/tracker';
import type { TrackerClient, TrackerClientConfig, TrackerCrypto, TrackerEvent } from '@grp/tracker';
import type { GroupMetricsReport, GroupState, GroupView, JoinOptions, Messenger } from './api.ts';
import type { MessengerEvent, MessengerMetrics, StopOptions } from './api.ts';
import { Channels } from './channels.ts';
import { messengerConfig, type MessengerConfig } from './config.ts';
import { messengerError } from './errors.ts';
import { GroupSession } from './group-session.ts';
import { Refusals } from './refusals.ts';
import { RelayTransport } from './relay-transport.ts';
import type { Shared } from './shared.ts';
import { untilOrAfter } from './waiting.ts';

/** What a messenger runs on, and who speaks through it. */
export interface MessengerOptions {
  /** Carries the messages; closed with the messenger. With `sealTransport` of `@grp/link` nobody else can read them. */
  readonly transport: Transport | RefusingTransport;
  /** Dials the tracker. Not closed with the messenger. */
  readonly streams: Pick<Streams, 'dial'>;
  readonly tracker: Address;
  readonly nick: string;
  /** Where others find this member (default: the transport's own address). */
  readonly address?: Address | undefined;
  readonly crypto: TrackerCrypto;
  /** Default: a new key, for this life only. */
  readonly signer?: Signer | undefined;
  /** 32 bytes: no other tracker is trusted. */
  readonly trackerKey?: Uint8Array | undefined;
  readonly nickToken?: string | undefined;
  readonly reserve?: boolean | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly logger?: Logger | undefined;
  /** Calls back at the end of this turn of the event loop: `setImmediate` in Node. */
  readonly defer?: ((callback: () => void) => void) | undefined;
  readonly config?: Partial<MessengerConfig> | undefined;
  readonly trackerConfig?: Partial<TrackerClientConfig> | undefined;
}

/** So long the goodbye may take: the tracker is told, and nobody waits for it. */
const goodbyeMs = 100;
const linkCloseMs = 50;
const reportGroupsMax = 16;
const pastMax = 256;
/** A member whose address is another one for each of the others would tell the group about it without end. */
const seenEveryMs = 5_000;

/**
 * Makes a messenger. Nothing starts before `start()`.
 * @throws GrpError CONFIG_INVALID, TRACKER_NICK_INVALID
 * @example
 * const ann = createMessenger({ ...network, tracker, nick: 'ann', crypto: nodeCrypto(), defer: setImmediate });
 * ann.on((event) => event.type === 'message' && console.log(`${event.from}: ${event.text}`));
 * await ann.start();
 * await ann.join('tea', { order: 'total' });
 * ann.send('tea', 'hello');
 */
export function createMessenger(options: MessengerOptions): Messenger {
  return new MessengerNode(options);
}

class MessengerNode implements Messenger {
  readonly nick: string;
  readonly tracker: TrackerClient;
  readonly #shared: Shared;
  readonly #links: { readonly direct: Links; readonly relay: Links };
  readonly #relay: RelayTransport;
  readonly #sessions = new Map<string, GroupSession>();
  readonly #ignored = new Set<string>();
  readonly #events: Events<MessengerEvent>;
  readonly #startedAt: number;
  readonly #address: Address;
  /** Where members see this one, as the tracker was last told, and when. */
  #seen: { readonly address: Address; readonly at: number } | undefined;
  /** What was measured in groups that are over. */
  readonly #past: GroupMetricsReport[] = [];
  #stopping: Promise<void> | undefined;

  constructor(options: MessengerOptions) {
    const { clock = systemClock(), random = systemRandom(), logger = silentLogger, defer, crypto, nick } = options;
    const config = messengerConfig.resolve(options.config);
    const signer = options.signer ?? crypto.signer(randomSeed(random.fork('key')));
    this.nick = nick;
    this.#startedAt = clock.now();
    this.#address = options.address ?? options.transport.self;
    this.#events = new Events((cause) => logger.log('error', 'messenger.listener', { cause: String(cause) }));
    this.tracker = createTrackerClient({
      ...{ streams: options.streams, tracker: options.tracker, nick, signer, crypto, clock, random, logger },
      address: this.#address,
      ...{ nickToken: options.nickToken, reserve: options.reserve, trackerKey: options.trackerKey },
      config: options.trackerConfig,
    });
    this.#relay = new RelayTransport({ tracker: this.tracker, sharedGroup: (peer) => this.#sharedGroup(peer) });
    const link = { clock, logger, config: { closeMs: linkCloseMs }, ...(defer && { defer }) };
    this.#links = {
      direct: createLinks({ ...link, transport: options.transport, random: random.fork('link') }),
      relay: createLinks({ ...link, transport: this.#relay, random: random.fork('relay') }),
    };
    const refusals = new Refusals();
    const channels = new Channels({
      ...{ links: this.#links, signer, crypto, clock, random: random.fork('nonce'), config, refusals },
      door: (group) => this.#sessions.get(group),
      onSeen: (address) => this.#onSeen(address),
    });
    this.#shared = {
      ...{ tracker: this.tracker, channels, refusals, signer, crypto, clock, random, logger, config, defer },
      flush: () => this.#links.direct.flush(),
      emit: (event) => this.#events.emit(event),
      isIgnored: (name) => this.#ignored.size > 0 && this.#ignored.has(foldName(name)),
    };
    this.tracker.on((event) => this.#onTracker(event));
  }

  async start(options?: RequestOptions): Promise<void> {
    this.#checkRunning();
    const { motd } = await this.tracker.start(options);
    if (motd !== '') this.#events.emit({ type: 'motd', text: motd });
  }

  async join(group: string, { create = true, key, order, ...options }: JoinOptions = {}): Promise<GroupState> {
    this.#checkRunning();
    if (this.#sessions.has(foldName(group))) throw messengerError('MESSENGER_JOINED', { context: { group } });
    const wishes = { create, ...(key !== undefined && { key }), ...(order !== undefined && { order }) };
    await this.tracker.join(group, { ...wishes, ...options });
    this.#checkRunning();
    const joined = this.tracker.group(group);
    if (joined === undefined) throw messengerError('MESSENGER_NOT_JOINED', { context: { group } }); // and put out again
    const session = this.#session(joined);
    session.setView();
    return session.state;
  }

  async leave(group: string, reason?: string): Promise<void> {
    const session = this.#find(group);
    const { clock } = this.#shared;
    await untilOrAfter(clock, session.settled(), linkCloseMs);
    await this.#report([session]);
    await this.tracker.request('leave', { group: session.group, ...(reason !== undefined && { reason }) });
    this.#end(session);
  }

  send(group: string, text: string): void {
    this.#checkRunning();
    this.#find(group).send(text);
  }

  groups(): readonly GroupState[] {
    return [...this.#sessions.values()].map(({ state }) => state);
  }

  group(group: string): GroupView {
    return this.#find(group).look();
  }

  ignore(nick: string, isIgnored: boolean): void {
    if (isIgnored) this.#ignored.add(foldName(nick));
    else this.#ignored.delete(foldName(nick));
  }

  metrics(): MessengerMetrics {
    const groups = [...this.#sessions.values()].map((session) => session.look().metrics);
    const durationMs = this.#shared.clock.now() - this.#startedAt;
    return { nick: this.nick, durationMs, groups: [...this.#past, ...groups], refused: this.#shared.refusals.toJSON() };
  }

  on(listener: (event: MessengerEvent) => void): Cancel {
    return this.#events.on(listener);
  }

  events(options?: IterateOptions): AsyncIterable<MessengerEvent> {
    return this.#events.iterate(options);
  }

  stop(options: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(options);
    return this.#stopping;
  }

  async #stop({ reason = '', drainMs = linkCloseMs }: StopOptions): Promise<void> {
    const { clock } = this.#shared;
    const sessions = [...this.#sessions.values()];
    await untilOrAfter(clock, Promise.all(sessions.map((session) => session.settled())), drainMs);
    await this.#report(sessions);
    await this.tracker.stop({ reason, timeoutMs: goodbyeMs });
    for (const session of sessions) this.#end(session);
    await Promise.all([this.#links.direct.close(), this.#links.relay.close()]);
    this.#events.close();
  }

  /** What was measured, while the tracker still knows who says so. Nobody's exit waits for a tracker that is lost. */
  async #report(sessions: readonly GroupSession[]): Promise<void> {
    if (this.tracker.state !== 'ready') return;
    const now = this.#shared.clock.now();
    const groups = sessions.map(({ group, meter }) => meter.toReport(group, now));
    for (let at = 0; at < groups.length; at += reportGroupsMax) {
      const part = groups.slice(at, at + reportGroupsMax);
      await this.tracker.request('report', { groups: part }, { timeoutMs: goodbyeMs }).catch(() => {});
    }
  }

  #onTracker(event: TrackerEvent): void {
    switch (event.type) {
      case 'view': {
        const joined = this.tracker.group(event.group);
        // Before the answer to a join its order is not known; `join` sees to the view then.
        if (joined !== undefined) this.#session(joined).setView(event);
        break;
      }
      case 'member':
        this.#sessions.get(foldName(event.group))?.membersChanged();
        this.#events.emit(event);
        break;
      case 'removed':
        this.#onRemoved(event);
        break;
      case 'relay':
        this.#relay.receive(event.from, event.payload);
        break;
      case 'lost':
        this.#onLost(event.reason);
        break;
      case 'back':
        this.#onBack(event.session.id, event.isResumed);
        break;
      case 'topic':
      case 'policy':
      case 'invite':
      case 'motd':
        this.#events.emit(event);
        break;
      case 'refused':
      case 'fault': {
        const code = 'code' in event.error ? event.error.code : 'MESSENGER_TRACKER';
        this.#events.emit({ type: 'trouble', group: '', code, text: event.error.message });
        break;
      }
      case 'ticket':
    }
  }

  /**
   * A member behind a network address translation does not know its address; whoever it reaches does. The tracker passes
   * it on (its own host's only, so that nobody can be pointed at somebody else), and the others greet it there, too.
   */
  #onSeen(address: Address): void {
    const now = this.#shared.clock.now();
    const isKnown = address === this.#address || address === this.#seen?.address;
    const isSoon = this.#seen !== undefined && now - this.#seen.at < seenEveryMs;
    if (isKnown || isSoon || this.tracker.state !== 'ready' || tryParseAddress(address) === undefined) return;
    this.#seen = { address, at: now };
    this.tracker.request('address', { reflexive: address }, { timeoutMs: seenEveryMs }).catch(() => {
      // refused, or lost: it is reached through the tracker then
    });
  }

  #onLost(reason: string): void {
    for (const session of this.#sessions.values()) session.trackerChanged(false);
    this.#events.emit({ type: 'tracker', state: 'lost', reason });
  }

  #onBack(self: NodeId, isResumed: boolean): void {
    for (const session of [...this.#sessions.values()]) {
      if (session.self === self) session.trackerChanged(true);
      else this.#renew(session);
    }
    const reason = isResumed ? '' : 'under a new session: the old one was gone';
    this.#events.emit({ type: 'tracker', state: 'back', reason });
  }

  /** The same person under a new id: what it knew stays, what it was about to say is lost. */
  #renew(session: GroupSession): void {
    this.#seen = undefined; // the new one is asked for its address again
    const { unsettledCount: count, group } = session;
    const { inheritance } = session;
    this.#sessions.delete(session.folded);
    session.close();
    const joined = this.tracker.group(group);
    if (joined !== undefined) this.#session(joined, inheritance);
    if (count === 0) return;
    const text = `${count} of your messages may not have been delivered`;
    this.#events.emit({ type: 'trouble', group, code: 'MESSENGER_UNKNOWN_FATE', text });
  }

  #onRemoved({ group, reason, by, text }: Extract<TrackerEvent, { type: 'removed' }>): void {
    const session = this.#sessions.get(foldName(group));
    if (session !== undefined) this.#end(session);
    const said = [by === '' ? '' : `by ${by}`, text].filter((part) => part !== '').join(': ');
    this.#events.emit({ type: 'removed', group, reason, text: said });
  }

  #session(joined: JoinedGroup, before?: GroupSession['inheritance']): GroupSession {
    const folded = foldName(joined.info.group);
    const known = this.#sessions.get(folded);
    if (known !== undefined) return known;
    const self = this.tracker.session?.id ?? ('' as NodeId);
    const session = new GroupSession(this.#shared, joined, self, before);
    this.#sessions.set(folded, session);
    return session;
  }

  #end(session: GroupSession): void {
    if (this.#sessions.get(session.folded) !== session) return;
    this.#sessions.delete(session.folded);
    this.#past.push(session.look().metrics);
    if (this.#past.length > pastMax) this.#past.shift();
    session.close();
  }

  #find(group: string): GroupSession {
    const session = this.#sessions.get(group) ?? this.#sessions.get(foldName(group));
    if (session === undefined) throw messengerError('MESSENGER_NOT_JOINED', { context: { group } });
    return session;
  }

  #sharedGroup(peer: NodeId): string | undefined {
    for (const { group } of this.#sessions.values()) {
      if (this.tracker.group(group)?.view.members.some(({ id }) => id === peer) === true) return group;
    }
    return undefined;
  }

  #checkRunning(): void {
    if (this.#stopping !== undefined) throw messengerError('MESSENGER_STOPPED');
  }
}

function randomSeed(random: Random): Uint8Array {
  const seed = new Uint8Array(32);
  const view = new DataView(seed.buffer);
  for (let at = 0; at < seed.length; at += 4) view.setUint32(at, random.nextU32());
  return seed;
}
