import type { Address, Clock, NodeId, Random } from '@grp/core';
import type { Links } from '@grp/link';
import type { Signer, Ticket, TicketProblem, TrackerCrypto } from '@grp/tracker';
import { joined } from './bytes.ts';
import type { MessengerConfig } from './config.ts';
import {
  decodeFrame,
  decodeHello,
  encodeHello,
  frameHead,
  nonceBytes,
  proofBytes,
  type Frame,
  type Hello,
} from './frames.ts';
import type { Refusals } from './refusals.ts';
import { TokenBucket } from './token-bucket.ts';

export type ChannelKind = 'direct' | 'relay';

/** A way to one address, as long as the link's session lasts. */
export interface Channel {
  readonly kind: ChannelKind;
  readonly address: Address;
}

/** A group, as far as strangers are let into it. */
export interface Door {
  readonly self: NodeId;
  /** Ours, to show. */
  readonly ticket: string | undefined;
  check(ticket: string): Ticket | { readonly problem: TicketProblem };
  /** The channel leads to that member, which has proven itself, and we to it. */
  onReady(id: NodeId, channel: Channel): void;
  onFrame(id: NodeId, frame: Frame): void;
  /** The link has room again. */
  onWritable(id: NodeId): void;
  /** The channel is gone. */
  onLost(id: NodeId, channel: Channel): void;
}

/** One peer in one group, on one channel. */
interface Acquaintance {
  /** Its ticket was good; the number is to be answered. */
  theirs: { readonly ticket: Ticket; readonly nonce: Uint8Array; readonly seen: string | undefined } | undefined;
  /** It has answered our number. */
  isProven: boolean;
}

interface OpenChannel extends Channel {
  readonly links: Links;
  readonly nonce: Uint8Array;
  readonly groups: Map<string, Acquaintance>;
}

export interface ChannelsOptions {
  readonly links: Readonly<Record<ChannelKind, Links>>;
  readonly door: (group: string) => Door | undefined;
  /** A member that has proven itself says that our datagrams come from there. */
  readonly onSeen: (address: Address) => void;
  readonly signer: Signer;
  readonly crypto: TrackerCrypto;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: MessengerConfig;
  readonly refusals: Refusals;
}

/**
 * Who is at the other end of a link. Each side shows a ticket of the tracker and a random number; the other signs that
 * number with the key in its own ticket. Before that nothing of a stranger is taken, and nothing of a group is told.
 */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #open = new Map<string, OpenChannel>();
  readonly #hellos: TokenBucket;

  constructor(options: ChannelsOptions) {
    this.#options = options;
    const { hellosPerSecond: perSecond } = options.config;
    this.#hellos = new TokenBucket({ perSecond, burst: 2 * perSecond });
    for (const kind of ['direct', 'relay'] as const) {
      const links = options.links[kind];
      links.onReceive((from, message) => this.#receive(kind, from, message));
      links.onReset((peer) => this.#lose(kind, peer));
      links.onWritable((peer) => this.#writable(kind, peer));
    }
  }

  /**
   * Begins, or begins again, to get acquainted. `isAnew` drops what waits for an address that has not answered, so that
   * greetings do not pile up.
   */
  greet(kind: ChannelKind, address: Address, { group, isAnew }: { group: string; isAnew: boolean }): void {
    const ticket = this.#options.door(group)?.ticket;
    if (ticket === undefined) return;
    const channel = this.#channel(kind, address);
    const isUnknown = [...channel.groups.values()].every(({ theirs }) => theirs === undefined);
    if (isAnew && isUnknown) channel.links.forget(address);
    this.#hello(channel, group, { ticket, isAsking: true });
  }

  /** False: no room, or not acquainted; `onWritable` or `onReady` tells when it is worth another try. */
  send(channel: Channel, head: Uint8Array, body: Uint8Array): boolean {
    return this.#options.links[channel.kind].send(channel.address, joined([head, body]));
  }

  /** Gives a channel up, and what is queued for it. */
  drop(channel: Channel): void {
    this.#options.links[channel.kind].forget(channel.address);
    this.#lose(channel.kind, channel.address);
  }

  /** A group is over, or a member of it is gone: it has no way in any more. */
  forget(group: string, isGone: (id: NodeId) => boolean = () => true): void {
    for (const [name, channel] of this.#open) {
      const known = channel.groups.get(group);
      const id = known?.theirs?.ticket.id;
      if (known === undefined || (id !== undefined && !isGone(id))) continue;
      if (id === undefined && this.#options.door(group) !== undefined) continue;
      channel.groups.delete(group);
      if (channel.groups.size > 0) continue;
      this.#open.delete(name);
      channel.links.forget(channel.address);
    }
  }

  #receive(kind: ChannelKind, from: Address, message: Uint8Array): void {
    const { refusals, door } = this.#options;
    const frame = decodeFrame(message);
    if (frame === undefined) return refusals.count('malformed-frame');
    const group = door(frame.group);
    if (group === undefined) return refusals.count('other-group');
    if (frame.kind === 'hello') return this.#onHello({ kind, from, frame, door: group });
    const channel = this.#open.get(nameOf(kind, from));
    const known = channel?.groups.get(frame.group);
    if (channel === undefined || known?.theirs === undefined) return refusals.count('stranger');
    if (frame.kind === 'proof') return this.#onProof(channel, known, frame, group);
    if (known.isProven) group.onFrame(known.theirs.ticket.id, frame);
    else refusals.count('unproven');
  }

  #onHello(given: { kind: ChannelKind; from: Address; frame: Frame; door: Door }): void {
    const { kind, from, frame, door } = given;
    const { refusals, clock, signer, links } = this.#options;
    const hello = decodeHello(frame.body);
    if (hello === undefined) return refusals.count('malformed-hello');
    if (!this.#hellos.take(clock.now(), 1)) return refusals.count('hello-rate');
    const ticket = door.check(hello.ticket);
    if ('problem' in ticket) return refusals.count(`ticket-${ticket.problem}`);
    // Through the tracker only what the tracker says is from whom; and nobody talks to itself.
    const isOther = kind === 'relay' && ticket.id !== (from as string);
    if (ticket.id === door.self || isOther) return refusals.count('ticket-other-member');
    const channel = this.#channel(kind, from);
    const known = acquaintance(channel, frame.group);
    if (known.theirs !== undefined && known.theirs.ticket.id !== ticket.id) known.isProven = false;
    known.theirs = { ticket, nonce: hello.nonce, seen: hello.seen ?? known.theirs?.seen };
    if (hello.isAsking && door.ticket !== undefined)
      this.#hello(channel, frame.group, { ticket: door.ticket, isAsking: false, seen: from });
    const said = { group: frame.group, prover: door.self, verifier: ticket.id, nonce: hello.nonce };
    const proof = joined([frameHead('proof', frame.group), signer.sign(proofBytes(said))]);
    links[kind].send(from, proof);
  }

  #onProof(channel: OpenChannel, known: Acquaintance, frame: Frame, door: Door): void {
    const { crypto, refusals, clock } = this.#options;
    const { theirs } = known;
    if (theirs === undefined) return;
    if (known.isProven) {
      door.onReady(theirs.ticket.id, channel); // nobody may have known it yet when it came first
      return;
    }
    if (!this.#hellos.take(clock.now(), 1)) return refusals.count('hello-rate');
    const said = { group: frame.group, prover: theirs.ticket.id, verifier: door.self, nonce: channel.nonce };
    const key = keyBytes(theirs.ticket.key);
    if (!crypto.verify(key, proofBytes(said), frame.body)) return refusals.count('forged-proof');
    known.isProven = true;
    if (channel.kind === 'direct' && theirs.seen !== undefined) this.#options.onSeen(theirs.seen as Address);
    door.onReady(theirs.ticket.id, channel);
  }

  #hello(channel: OpenChannel, group: string, said: Omit<Hello, 'nonce'>): void {
    acquaintance(channel, group);
    const body = encodeHello({ ...said, nonce: channel.nonce });
    channel.links.send(channel.address, joined([frameHead('hello', group), body]));
  }

  #channel(kind: ChannelKind, address: Address): OpenChannel {
    const name = nameOf(kind, address);
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const { links, random } = this.#options;
    const nonce = new Uint8Array(nonceBytes);
    const view = new DataView(nonce.buffer);
    for (let at = 0; at < nonceBytes; at += 4) view.setUint32(at, random.nextU32());
    const channel: OpenChannel = { kind, address, links: links[kind], nonce, groups: new Map() };
    this.#open.set(name, channel);
    return channel;
  }

  #lose(kind: ChannelKind, address: Address): void {
    const channel = this.#open.get(nameOf(kind, address));
    if (channel === undefined) return;
    this.#open.delete(nameOf(kind, address));
    this.#each(channel, (door, id) => door.onLost(id, channel));
  }

  #writable(kind: ChannelKind, address: Address): void {
    const channel = this.#open.get(nameOf(kind, address));
    if (channel !== undefined) this.#each(channel, (door, id) => door.onWritable(id));
  }

  #each(channel: OpenChannel, action: (door: Door, id: NodeId) => void): void {
    for (const [group, { theirs, isProven }] of channel.groups) {
      const door = this.#options.door(group);
      if (door !== undefined && isProven && theirs !== undefined) action(door, theirs.ticket.id);
    }
  }
}

function nameOf(kind: ChannelKind, address: Address): string {
  return `${kind} ${address}`;
}

function acquaintance(channel: OpenChannel, group: string): Acquaintance {
  const known = channel.groups.get(group) ?? { theirs: undefined, isProven: false };
  channel.groups.set(group, known);
  return known;
}

/** Base64url; a ticket that was verified has nothing else. */
function keyBytes(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
}
