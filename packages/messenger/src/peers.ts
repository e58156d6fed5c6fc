import type { Address, Cancel, Clock, Millis, NodeId } from '@grp/core';
import type { TrackerMember } from '@grp/tracker';
import type { PeerPath } from './api.ts';
import type { Channel, ChannelKind, Channels } from './channels.ts';
import type { MessengerConfig } from './config.ts';
import { decodePing, decodePong, encodePing, encodePong, frameHead, type FrameKind } from './frames.ts';
import { Intake } from './intake.ts';
import { PeerClock } from './peer-clock.ts';

/** One other member of one group. */
export interface Peer {
  readonly id: NodeId;
  member: TrackerMember;
  readonly clock: PeerClock;
  readonly intake: Intake;
  readonly channels: { direct?: Channel | undefined; relay?: Channel | undefined };
  readonly greeting: Record<ChannelKind, { count: number; at: Millis }>;
  /** When it came, or was last without a direct channel. */
  alone: Millis;
  readonly since: Millis;
  heardAt: Millis | undefined;
  pingedAt: Millis;
  /** A ping that has no answer yet. */
  askedAt: Millis | undefined;
  path: PeerPath;
}

export interface PeersOptions {
  /** Folded name. */
  readonly group: string;
  readonly channels: Channels;
  readonly clock: Clock;
  readonly config: MessengerConfig;
  readonly isTrackerThere: () => boolean;
  /** Takes one of the ordering's messages, at the pace that is allowed. */
  readonly take: (from: NodeId, bytes: Uint8Array) => void;
  readonly onPath: (peer: Peer) => void;
  /** There may be room for what was refused before. */
  readonly onWritable: (id: NodeId) => void;
  /** What was under way may be lost. */
  readonly onReset: (id: NodeId) => void;
  /** All members that have been silent for too long; called when that changes. */
  readonly onSuspects: (ids: readonly NodeId[]) => void;
}

/** So many others are pinged at the full pace; of more each gets its turn less often, so that the traffic stays the same. */
const pacePeers = 16;

/** The ways to the other members of a group: found, watched, and replaced when they fall silent. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #heads = new Map<FrameKind, Uint8Array>();
  #suspects = '';
  #cancel: Cancel | undefined;
  #isClosed = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  list(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  get(id: NodeId): Peer | undefined {
    return this.#peers.get(id);
  }

  /** All other members of the view in force, with their addresses by now. */
  set(members: readonly TrackerMember[]): void {
    const here = new Set(members.map(({ id }) => id));
    for (const [id, peer] of this.#peers) {
      if (here.has(id)) continue;
      peer.intake.close();
      this.#peers.delete(id);
    }
    for (const member of members) {
      const known = this.#peers.get(member.id);
      if (known === undefined) this.#peers.set(member.id, this.#newPeer(member));
      else {
        const isMoved = known.member.address !== member.address || known.member.reflexive !== member.reflexive;
        known.member = member;
        if (isMoved) known.greeting.direct = { count: 0, at: 0 };
      }
    }
    this.#tick();
  }

  /** False: there is no way to it yet, or no room on it. */
  send(id: NodeId, kind: FrameKind, body: Uint8Array): boolean {
    const { channels, group } = this.#options;
    const peer = this.#peers.get(id);
    const channel = peer?.channels.direct ?? peer?.channels.relay;
    if (channel === undefined) return false;
    let head = this.#heads.get(kind);
    if (head === undefined) this.#heads.set(kind, (head = frameHead(kind, group)));
    return channels.send(channel, head, body);
  }

  /** A member has proven itself on a channel: the newest one counts, for it may have moved. */
  ready(id: NodeId, channel: Channel): void {
    const peer = this.#peers.get(id);
    if (peer === undefined || peer.channels[channel.kind] === channel) return; // a stranger's view is under way
    peer.channels[channel.kind] = channel;
    peer.greeting[channel.kind] = { count: 0, at: 0 };
    this.heard(id);
    peer.askedAt = undefined;
    this.#ping(peer);
    this.#settlePath(peer, true);
  }

  lost(id: NodeId, channel: Channel): void {
    const peer = this.#peers.get(id);
    if (peer?.channels[channel.kind] !== channel) return; // it has moved on already
    peer.channels[channel.kind] = undefined;
    if (channel.kind === 'direct') peer.alone = this.#options.clock.now();
    peer.askedAt = undefined;
    this.#settlePath(peer, true);
    this.#tick();
  }

  heard(id: NodeId): void {
    const peer = this.#peers.get(id);
    if (peer !== undefined) peer.heardAt = this.#options.clock.now();
  }

  onPing(id: NodeId, body: Uint8Array): void {
    const ping = decodePing(body);
    if (ping !== undefined) this.send(id, 'pong', encodePong({ ...ping, answeredAt: this.#options.clock.now() }));
  }

  onPong(id: NodeId, body: Uint8Array): void {
    const [peer, pong] = [this.#peers.get(id), decodePong(body)];
    // Only an answer to what was asked: otherwise a member could make its clock anything.
    if (peer === undefined || pong === undefined || pong.askedAt !== peer.askedAt) return;
    peer.askedAt = undefined;
    peer.clock.add({ asked: pong.askedAt, answered: pong.answeredAt, heard: this.#options.clock.now() });
  }

  /** The tracker is lost or back: whoever is silent matters now, and who is relayed is not reached without it. */
  look(): void {
    this.#tick();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    for (const { intake } of this.#peers.values()) intake.close();
    this.#peers.clear();
  }

  #newPeer(member: TrackerMember): Peer {
    const { clock, config, take } = this.#options;
    const { id } = member;
    const now = clock.now();
    const intake = new Intake({ clock, config, take: (bytes) => take(id, bytes) });
    const greeting = { direct: { count: 0, at: 0 }, relay: { count: 0, at: 0 } };
    const times = { alone: now, since: now, heardAt: undefined, pingedAt: now, askedAt: undefined };
    return { id, member, clock: new PeerClock(), intake, channels: {}, greeting, path: 'none', ...times };
  }

  #tick(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#isClosed || this.#peers.size === 0) return;
    for (const peer of this.list()) this.#look(peer);
    this.#tellSuspects();
    const { clock, config } = this.#options;
    this.#cancel = clock.wakeAt(clock.now() + Math.min(config.helloMs, config.pingMs), () => {
      this.#cancel = undefined;
      this.#tick();
    });
  }

  #look(peer: Peer): void {
    const { clock, config, channels, isTrackerThere } = this.#options;
    const now = clock.now();
    const { direct, relay } = peer.channels;
    const current = direct ?? relay;
    if (current !== undefined) {
      const quietMs = now - (peer.heardAt ?? now);
      const silentMs = config.silentMs * this.#pace;
      if (peer.askedAt !== undefined && now - peer.askedAt >= silentMs && quietMs >= silentMs) {
        channels.drop(current); // and `lost` looks for another way
        return;
      }
      if (peer.askedAt === undefined && now - peer.pingedAt >= config.pingMs * this.#pace) this.#ping(peer);
    }
    if (direct !== undefined) return;
    if (this.#isDue(peer, 'direct', now)) this.#greet(peer, 'direct', now);
    const isRelayDue = relay === undefined && isTrackerThere() && now - peer.alone >= config.relayAfterMs;
    if (isRelayDue && this.#isDue(peer, 'relay', now)) this.#greet(peer, 'relay', now);
  }

  get #pace(): number {
    return Math.max(1, this.#peers.size / pacePeers);
  }

  #isDue({ greeting }: Peer, kind: ChannelKind, now: Millis): boolean {
    return now >= greeting[kind].at;
  }

  #greet(peer: Peer, kind: ChannelKind, now: Millis): void {
    const { channels, config, group } = this.#options;
    const greeting = peer.greeting[kind];
    greeting.at = now + config.helloMs * 2 ** Math.min(greeting.count, 3);
    const isAnew = greeting.count >= 3;
    greeting.count++;
    const { address, reflexive } = peer.member;
    const direct = reflexive === undefined || reflexive === address ? [address] : [address, reflexive];
    const addresses = kind === 'relay' ? [peer.id as string as Address] : direct;
    for (const to of addresses) channels.greet(kind, to, { group, isAnew });
  }

  #ping(peer: Peer): void {
    const now = this.#options.clock.now();
    if (!this.send(peer.id, 'ping', encodePing({ askedAt: now }))) return;
    peer.pingedAt = now;
    peer.askedAt = now;
  }

  #settlePath(peer: Peer, isReset: boolean): void {
    const { direct, relay } = peer.channels;
    const path: PeerPath = direct !== undefined ? 'direct' : relay !== undefined ? 'relay' : 'none';
    const isChanged = path !== peer.path;
    peer.path = path;
    if (isReset) this.#options.onReset(peer.id);
    if (path !== 'none') this.#options.onWritable(peer.id);
    if (isChanged) this.#options.onPath(peer);
  }

  #tellSuspects(): void {
    const { clock, config, onSuspects } = this.#options;
    const limit = clock.now() - config.silentMs * this.#pace;
    const silent = this.list().filter(({ heardAt, since }) => Math.max(heardAt ?? since, since) <= limit);
    const ids = silent.map(({ id }) => id);
    if (ids.join() === this.#suspects) return;
    this.#suspects = ids.join();
    onSuspects(ids);
  }
}
