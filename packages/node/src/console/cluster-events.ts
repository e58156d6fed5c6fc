import type { Cancel, Clock } from '@grp/core';
import type { NodeConfig } from '../config.ts';
import type { EventSink } from '../http/event-client.ts';
import { EventHub, type Subscription } from '../http/event-hub.ts';
import { isLoopback } from '../http/security.ts';
import { askedMax } from './cluster.ts';
import type { ListenToPeer } from './listen-to-peer.ts';
import { urlOf, type PeerPlace } from './peers.ts';

export interface ClusterEventsParts {
  readonly clock: Clock;
  readonly config: NodeConfig;
  /** This node's own events. */
  readonly hub: EventHub;
  readonly self: () => { readonly name: string };
  /** Other nodes, best known first. */
  readonly peers: () => readonly PeerPlace[];
  readonly listen: ListenToPeer;
  /** This node's certificates can be checked by its own authority, so that peers' can too. */
  readonly isSealed: boolean;
}

interface Followed {
  cancel: Cancel;
  isOpen: boolean;
  /** Events in the second that runs, and those of them that were too many. */
  count: number;
  dropped: number;
}

const lookAgainMs = 1_000;
// A page that draws what happens cannot show more, and a busy cluster must not pay for being looked at.
const perPeerMax = 400;

/**
 * The events of all nodes in one stream, each with the name of its node, on behalf of a page that may talk to this node
 * alone. Other nodes are listened to while somebody reads: at most 64, and at most 400 events a second of each.
 */
export class ClusterEvents {
  readonly #parts: ClusterEventsParts;
  readonly #readers: EventHub;
  readonly #followed = new Map<string, Followed>();
  #own: Subscription | undefined;
  #cancelLook: Cancel | undefined;
  #token: string | undefined;

  constructor(parts: ClusterEventsParts) {
    this.#parts = parts;
    this.#readers = new EventHub(parts.clock, parts.config);
  }

  /** Undefined: there are as many readers as there may be. */
  subscribe(sink: EventSink, token: string | undefined): Subscription | undefined {
    const subscription = this.#readers.subscribe(sink, undefined);
    if (subscription === undefined) return undefined;
    this.#token = token;
    if (this.#readers.clientCount === 1) this.#begin();
    return {
      drained: () => subscription.drained(),
      cancel: () => {
        subscription.cancel();
        if (this.#readers.clientCount === 0) this.#end();
      },
    };
  }

  /** Ends all streams and takes no more. Idempotent. */
  close(): void {
    this.#readers.close();
    this.#end();
  }

  #begin(): void {
    const { hub, self } = this.#parts;
    const sink: EventSink = {
      write: (text) => {
        for (const line of text.split('\n'))
          if (line.startsWith('data: ')) this.#tell(self().name, line.slice(6), true);
        return true;
      },
      // The node stops.
      end: () => this.close(),
      destroy: () => this.close(),
    };
    this.#own = hub.subscribe(sink, undefined);
    this.#look();
  }

  #end(): void {
    this.#own?.cancel();
    this.#own = undefined;
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    for (const { cancel } of this.#followed.values()) cancel();
    this.#followed.clear();
  }

  /** Listens to whoever is not listened to yet. */
  #look(): void {
    const { clock, peers } = this.#parts;
    for (const [name, followed] of this.#followed) this.#newSecond(name, followed);
    for (const place of peers().slice(0, askedMax)) if (!this.#followed.has(place.name)) this.#follow(place);
    this.#cancelLook = clock.wakeAt(clock.now() + lookAgainMs, () => this.#look());
  }

  #follow(place: PeerPlace): void {
    const { listen, isSealed } = this.#parts;
    const { name } = place;
    const url = urlOf(place, isSealed ? 'https' : 'http');
    if (url === undefined) return;
    const followed: Followed = { cancel: () => {}, isOpen: false, count: 0, dropped: 0 };
    this.#followed.set(name, followed);
    // As for questions: the token goes only where nobody else can listen.
    const token = isSealed || isLoopback(place.host) ? this.#token : undefined;
    followed.cancel = listen(
      { url, token },
      {
        opened: () => {
          followed.isOpen = true;
          this.#readers.publish({ noun: 'cluster', type: 'stream', node: name, state: 'open' });
        },
        event: (json) => {
          if (++followed.count > perPeerMax) followed.dropped++;
          else this.#tell(name, json);
        },
        closed: () => {
          if (this.#followed.get(name) !== followed) return;
          this.#followed.delete(name);
          if (followed.isOpen) this.#readers.publish({ noun: 'cluster', type: 'stream', node: name, state: 'lost' });
        },
      },
    );
  }

  #newSecond(name: string, followed: Followed): void {
    const { dropped: count } = followed;
    if (count > 0) this.#readers.publish(eventOf(name, { noun: 'node', type: 'dropped', count }));
    followed.count = 0;
    followed.dropped = 0;
  }

  #tell(node: string, json: string, isSelf = false): void {
    const event = parse(json);
    if (event !== undefined) this.#readers.publish(eventOf(node, event, isSelf));
  }
}

function eventOf(node: string, event: object, isSelf = false) {
  return { noun: 'cluster', type: 'event', node, isSelf, event };
}

/** Undefined: it is no JSON object, and nobody needs it. */
function parse(json: string): object | undefined {
  try {
    const event: unknown = JSON.parse(json);
    return typeof event === 'object' && event !== null && !Array.isArray(event) ? event : undefined;
  } catch {
    return undefined;
  }
}
