import type { Clock } from '@grp/core';
import { isLoopback } from '../http/security.ts';
import type { AskPeer, PeerAnswer } from './ask-peer.ts';
import { urlOf, type PeerPlace } from './peers.ts';

/** A node of the cluster and what it tells of itself. */
export interface ClusterNode {
  readonly name: string;
  readonly isSelf: boolean;
  /** Where it was asked; null when there is no such place. */
  readonly http: string | null;
  readonly reach: PeerAnswer['reach'] | 'skipped';
  /** Why it could not be asked. */
  readonly reason?: string;
  /** Its documents by noun and what, such as `swim.members`. */
  readonly documents: Readonly<Record<string, unknown>>;
}

export interface ClusterParts {
  readonly clock: Clock;
  readonly ask: AskPeer;
  /** Other nodes, best known first. */
  readonly peers: () => readonly PeerPlace[];
  readonly self: () => { readonly name: string; readonly http: string };
  /** This node's own documents. */
  readonly local: (token: string | undefined) => Promise<Readonly<Record<string, unknown>>>;
  /** This node's certificates can be checked by its own authority, so that peers' can too. */
  readonly isSealed: boolean;
}

/** Nodes that are asked at once, at most: the console is for looking at clusters that fit a screen. */
export const askedMax = 64;
const peerTimeoutMs = 800;
// Several consoles that look at one node share what it has just learned.
const freshMs = 300;

/** Asks all nodes what they tell of themselves, on behalf of a page that may talk to this node alone. */
export class ClusterView {
  readonly #parts: ClusterParts;
  #last: { readonly at: number; readonly nodes: Promise<readonly ClusterNode[]> } | undefined;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
  }

  /** One for this node and each that it knows of, this one first. Takes less than a second. */
  nodes(token: string | undefined): Promise<readonly ClusterNode[]> {
    const now = this.#parts.clock.now();
    if (this.#last === undefined || now - this.#last.at > freshMs) this.#last = { at: now, nodes: this.#ask(token) };
    return this.#last.nodes;
  }

  async #ask(token: string | undefined): Promise<readonly ClusterNode[]> {
    const { peers, self, local } = this.#parts;
    const { name, http } = self();
    const others = peers();
    const path = `/v1/cluster/self${others.length < 32 ? '?members=true' : ''}`;
    const asked = others.map((place, index) => this.#one(place, path, index < askedMax ? token : null));
    const own: ClusterNode = { name, isSelf: true, http, reach: 'ok', documents: await local(token) };
    return [own, ...(await Promise.all(asked))];
  }

  async #one(place: PeerPlace, path: string, token: string | undefined | null): Promise<ClusterNode> {
    const { ask, isSealed } = this.#parts;
    const url = urlOf(place, isSealed ? 'https' : 'http');
    const node = { name: place.name, isSelf: false, http: url ?? null, documents: {} };
    if (url === undefined || token === null) return { ...node, reach: 'skipped' };
    // Whoever is let into the membership may announce any port: the token goes only where nobody else can listen, or
    // where a certificate says who does.
    const mayHave = isSealed || isLoopback(place.host);
    const answer = await ask(path, { url, token: mayHave ? token : undefined, timeoutMs: peerTimeoutMs });
    if (answer.reach !== 'ok') return { ...node, ...answer };
    const { documents } = answer.document;
    return { ...node, reach: 'ok', documents: (documents ?? {}) as ClusterNode['documents'] };
  }
}
