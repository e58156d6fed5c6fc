import type { Address, NodeId } from '@grp/core';
import { createOrdering, type Delivery, type InstalledView, type Ordering } from '@grp/ordering';
import {
  foldName,
  verifyTicket,
  type JoinedGroup,
  type Ticket,
  type TicketProblem,
  type TrackerEvent,
} from '@grp/tracker';
import { Agreement } from './agreement.ts';
import type { ChatMessage, Departure, GroupState, GroupStatus, GroupView, PeerInfo } from './api.ts';
import { utf8 } from './bytes.ts';
import type { Channel, Door } from './channels.ts';
import { messengerError } from './errors.ts';
import type { Frame } from './frames.ts';
import { History } from './history.ts';
import { Meter } from './meter.ts';
import { Names } from './names.ts';
import { addressOf, OrderingLinks } from './ordering-links.ts';
import { Pace } from './pace.ts';
import { decodePayload, encodePayload, safeText } from './payload.ts';
import { Peers, type Peer } from './peers.ts';
import { Replay } from './replay.ts';
import type { Shared } from './shared.ts';

/** What a session leaves to the next one, under a new id. */
export interface Inheritance {
  readonly history: History;
  readonly meter: Meter;
  readonly unread: number;
}

type ViewEvent = Extract<TrackerEvent, { type: 'view' }>;

/** This member in one group, under one id. */
export class GroupSession implements Door {
  readonly self: NodeId;
  /** As people write it, and as it is compared. */
  readonly group: string;
  readonly folded: string;
  readonly history: History;
  readonly meter: Meter;
  readonly #shared: Shared;
  readonly #order: ChatMessage['order'];
  readonly #ordering: Ordering;
  readonly #pace: Pace;
  readonly #links: OrderingLinks;
  readonly #peers: Peers;
  readonly #agreement: Agreement;
  readonly #replay: Replay;
  readonly #names: Names;
  readonly #came: string[] = [];
  readonly #went: Departure[] = [];
  #status: GroupStatus = 'joining';
  #isBlocked = false;
  #unread: number;

  constructor(shared: Shared, joined: JoinedGroup, self: NodeId, before?: Inheritance) {
    const { clock, config, logger, random, signer, crypto, channels, tracker } = shared;
    this.self = self;
    this.group = joined.info.group;
    this.folded = foldName(this.group);
    this.#shared = shared;
    this.#order = joined.info.order;
    this.history = before?.history ?? new History(config.historyMax);
    this.meter = before?.meter ?? new Meter(clock.now());
    this.#unread = before?.unread ?? 0;
    this.#names = new Names(config.namesMax);
    this.#links = new OrderingLinks({
      self,
      send: (to, bytes) => this.#peers.send(to, 'ordering', bytes),
      flush: shared.flush,
    });
    this.#ordering = this.#createOrdering();
    this.#pace = new Pace({ clock, config, send: (payload) => this.#ordering.send(payload) });
    this.#peers = new Peers({
      ...{ group: this.folded, channels, clock, config },
      isTrackerThere: () => tracker.state === 'ready',
      take: (from, bytes) => this.#links.receive(from, bytes),
      onPath: (peer) => this.#onPath(peer),
      onWritable: (id) => this.#links.writable(id),
      onReset: (id) => this.#links.reset(id),
      onSuspects: (ids) => this.#agreement.setSuspects(ids),
    });
    this.#agreement = new Agreement({
      ...{ group: this.group, self, signer, crypto, clock, logger },
      random: random.fork(`agreement ${this.folded} ${self}`),
      send: (to, body) => void this.#peers.send(to, 'agreement', body),
      onDecided: (succession) => void tracker.adopt(succession),
      onStatus: (status) => this.#onAgreement(status === 'blocked'),
    });
    this.#replay = new Replay({
      ...{ group: this.group, order: this.#order, self, history: this.history, clock, config },
      send: (to, kind, body) => this.#peers.send(to, kind, body),
      show: (message) => this.#show(message),
    });
    this.#agreement.setTracker(tracker.state === 'ready');
  }

  get ticket(): string | undefined {
    return this.#joined?.ticket;
  }

  get inheritance(): Inheritance {
    return { history: this.history, meter: this.meter, unread: this.#unread };
  }

  /** Own messages whose fate is not known when this session ends. */
  get unsettledCount(): number {
    return this.#pace.count + this.#ordering.statistics().outbox.messages;
  }

  send(text: string): void {
    const { clock, tracker, config } = this.#shared;
    const safe = safeText(text, Number.MAX_SAFE_INTEGER / 4).trimEnd();
    if (safe === '') throw messengerError('MESSENGER_TEXT_EMPTY');
    const bytes = utf8(safe).length;
    if (bytes > config.textBytesMax)
      throw messengerError('MESSENGER_TEXT_TOO_LONG', { context: { bytes, max: config.textBytesMax } });
    if (!this.#maySpeak(this.self)) throw messengerError('MESSENGER_MUTED', { context: { group: this.group } });
    const payload = encodePayload({ text: safe, sentAt: clock.now(), wallMs: tracker.trackerWallMs() });
    if (!this.#pace.push(payload)) throw messengerError('MESSENGER_BUSY', { context: { group: this.group } });
    this.meter.sent(payload.length);
  }

  /** Resolves when everybody has what was sent, or cannot be expected to any more. */
  async settled(): Promise<void> {
    await this.#pace.emptied();
    await this.#ordering.settled().catch(() => {});
  }

  /** The view that the tracker told, or that the members agreed on. */
  setView(event?: ViewEvent): void {
    const joined = this.#joined;
    if (joined === undefined) return;
    const { number, members } = joined.view;
    this.#names.learn([...(event?.left.map(({ member }) => member) ?? []), ...members]);
    if (event !== undefined) this.#tell(event);
    const { channels, logger } = this.#shared;
    const here = new Set(members.map(({ id }) => id));
    this.#peers.set(members.filter(({ id }) => id !== this.self));
    channels.forget(this.folded, (id) => !here.has(id));
    this.#agreement.setView(joined.view);
    if (!here.has(this.self) || number === 0) return; // the next one has us
    try {
      this.#ordering.setView({ number, members: members.map(({ id }) => ({ id, address: addressOf(id) })) });
    } catch (cause) {
      logger.log('warn', 'messenger.view', { group: this.group, number, cause: String(cause) });
      const text = cause instanceof Error ? cause.message : String(cause);
      this.#shared.emit({ type: 'trouble', group: this.group, code: 'MESSENGER_VIEW', text });
    }
  }

  /** Addresses and roles may have changed. */
  membersChanged(): void {
    const members = this.#joined?.view.members ?? [];
    this.#names.learn(members);
    this.#peers.set(members.filter(({ id }) => id !== this.self));
  }

  trackerChanged(isThere: boolean): void {
    this.#agreement.setTracker(isThere);
    this.#peers.look();
  }

  check(ticket: string): Ticket | { readonly problem: TicketProblem } {
    const { crypto, tracker } = this.#shared;
    const trackerKey = tracker.session?.trackerKey;
    const view = this.#joined?.view;
    if (trackerKey === undefined || view === undefined) return { problem: 'not-in-view' };
    return verifyTicket(ticket, { crypto, trackerKey, group: this.group, wallMs: tracker.trackerWallMs(), view });
  }

  onReady(id: NodeId, channel: Channel): void {
    this.#peers.ready(id, channel);
  }

  onLost(id: NodeId, channel: Channel): void {
    this.#peers.lost(id, channel);
  }

  onWritable(id: NodeId): void {
    this.#links.writable(id);
  }

  onFrame(id: NodeId, { kind, body }: Frame): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return this.#shared.refusals.count('not-in-view');
    this.#peers.heard(id);
    if (kind === 'ordering') peer.intake.push(body);
    else if (kind === 'agreement') this.#agreement.receive(id, body);
    else if (kind === 'ping') this.#peers.onPing(id, body);
    else if (kind === 'pong') this.#peers.onPong(id, body);
    else if (kind === 'history-ask') this.#replay.onAsk(id, body);
    else this.#replay.onHistory(id, body);
  }

  get state(): GroupState {
    const { view, info } = this.#joined ?? { view: undefined, info: undefined };
    const peers = this.#peers.list();
    return {
      ...{ group: this.group, order: this.#order, status: this.#status, topic: info?.topic ?? '' },
      ...{ view: view?.number ?? 0, members: view?.members.map(({ nick }) => nick) ?? [], unread: this.#unread },
      ...{ reached: peers.filter(({ path }) => path !== 'none').length, others: peers.length },
    };
  }

  look(): GroupView {
    return {
      state: this.state,
      peers: this.#peers.list().map((peer) => this.#peerInfo(peer)),
      ordering: this.#ordering.statistics(),
      metrics: this.meter.report(this.group, this.#order, this.#shared.clock.now()),
      history: this.history.messages,
      markRead: () => void (this.#unread = 0),
    };
  }

  close(): void {
    this.#replay.close();
    this.#agreement.close();
    this.#pace.close();
    this.#ordering.close();
    this.#peers.close();
    this.#shared.channels.forget(this.folded);
  }

  get #joined(): JoinedGroup | undefined {
    return this.#shared.tracker.group(this.folded);
  }

  #createOrdering(): Ordering {
    const { clock, logger, defer, config } = this.#shared;
    const ordering = createOrdering({
      order: this.#order,
      self: { id: this.self, address: addressOf(this.self) },
      links: this.#links,
      config: { payloadBytesMax: config.textBytesMax + 64 },
      ...{ clock, logger },
      ...(defer && { defer }),
    });
    ordering.on('deliver', (deliveries) => {
      for (const delivery of deliveries) this.#onDelivery(delivery);
    });
    ordering.on('view', (installed) => this.#onInstalled(installed));
    ordering.on('flush', () => this.#setStatus('flushing'));
    ordering.on('failed', ({ cause }) => {
      this.#shared.emit({ type: 'trouble', group: this.group, code: 'MESSENGER_ORDERING', text: String(cause) });
    });
    return ordering;
  }

  #onDelivery({ view, sender, sequence, position, payload }: Delivery): void {
    const { config, refusals, clock } = this.#shared;
    const isOwn = sender === this.self;
    const said = decodePayload(payload, config.textBytesMax);
    if (said === undefined) return refusals.count('malformed-message');
    const offsetMs = this.#peers.get(sender)?.clock.offsetMs;
    const latencyMs = offsetMs === undefined ? undefined : clock.now() - said.sentAt - offsetMs;
    if (!isOwn) this.meter.received(payload.length, latencyMs);
    // A member without a voice is not heard, whatever it runs.
    if (!this.#maySpeak(sender)) return refusals.count('muted');
    this.#replay.deliver({
      type: 'message',
      group: this.group,
      from: this.#names.nick(sender),
      fromId: sender,
      text: said.text,
      sequence: this.#order === 'total' ? position : sequence,
      order: this.#order,
      view,
      wallMs: said.wallMs,
      isOwn,
      isReplay: false,
    });
  }

  #onInstalled({ view, isFresh, unknownCount }: InstalledView): void {
    const { emit } = this.#shared;
    const nicks = view.members.map(({ id }) => this.#names.nick(id));
    const [joined, left] = [this.#came.splice(0), this.#went.splice(0)];
    emit({ type: 'view', group: this.group, number: view.number, members: nicks, joined, left });
    this.#setStatus(this.#isBlocked ? 'blocked' : 'active');
    if (unknownCount > 0) {
      const text = `${unknownCount} of your messages may not have been delivered`;
      emit({ type: 'trouble', group: this.group, code: 'MESSENGER_UNKNOWN_FATE', text });
    }
    const others = view.members.filter(({ id }) => id !== this.self).map(({ id }) => id);
    this.#replay.installed(view.number, isFresh ? others : []);
  }

  #show(message: ChatMessage): void {
    if (this.#shared.isIgnored(message.from)) return;
    if (!message.isOwn && !message.isReplay) this.#unread++;
    this.#shared.emit(message);
  }

  #tell({ joined, left }: ViewEvent): void {
    const { emit } = this.#shared;
    const { group } = this;
    for (const { member, isBack } of joined) {
      if (member.id === this.self) continue;
      this.#came.push(member.nick);
      emit({ type: 'joined', group, nick: member.nick, isBack });
    }
    for (const { member, reason, text } of left) {
      const departure = { nick: member.nick, reason, text };
      this.#went.push(departure);
      emit({ type: 'left', group, ...departure });
    }
  }

  #onPath({ id, path }: Peer): void {
    this.#shared.emit({ type: 'path', group: this.group, nick: this.#names.nick(id), path });
  }

  #onAgreement(isBlocked: boolean): void {
    if (isBlocked === this.#isBlocked) return;
    this.#isBlocked = isBlocked;
    this.#setStatus(isBlocked ? 'blocked' : this.#ordering.status === 'flushing' ? 'flushing' : 'active');
  }

  #setStatus(status: GroupStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#shared.emit({ type: 'status', group: this.group, status });
  }

  #maySpeak(id: NodeId): boolean {
    const joined = this.#joined;
    if (joined?.info.moderated !== true) return true;
    return joined.view.members.some((member) => member.id === id && member.role !== 'member');
  }

  #peerInfo(peer: Peer): PeerInfo {
    const { member, channels, path, clock, heardAt, intake } = peer;
    const now = this.#shared.clock.now();
    const address: Address = channels.direct?.address ?? member.address;
    return {
      ...{ nick: member.nick, id: member.id, path, address, rttMs: clock.rttMs },
      ...{ silentMs: heardAt === undefined ? undefined : now - heardAt, role: member.role, away: member.away },
      ...{ isIgnored: this.#shared.isIgnored(member.nick), flood: intake.counts },
    };
  }
}
