import type { Address, Keyring } from '@grp/core';

/** Where a node listens and what it is called. */
export interface Endpoint {
  /** IP literal and port; names are never looked up here. */
  readonly address: Address;
  /** '' when the sender did not say. */
  readonly name: string;
}

/** One part of a datagram. Sequences and incarnations are 0 … 2³²−1. */
export type Message =
  /** `source` undefined: answer whoever sent the datagram. */
  | { readonly type: 'ping'; readonly sequence: number; readonly node: string; readonly source: Endpoint | undefined }
  | {
      readonly type: 'indirect-ping';
      readonly sequence: number;
      readonly target: Address;
      readonly node: string;
      /** The requester wants to hear of failure too. */
      readonly nack: boolean;
      readonly source: Endpoint | undefined;
    }
  /** The payload may be a view into the datagram. */
  | { readonly type: 'ack'; readonly sequence: number; readonly payload: Uint8Array }
  | { readonly type: 'nack'; readonly sequence: number }
  | { readonly type: 'suspect'; readonly incarnation: number; readonly node: string; readonly from: string }
  | {
      readonly type: 'alive';
      readonly incarnation: number;
      readonly node: string;
      readonly address: Address;
      /** A copy, so that it can be kept without keeping the datagram. */
      readonly meta: Uint8Array;
      /** Protocol min, max, current, then the delegate's: six bytes, or none when the sender did not say. A copy. */
      readonly versions: Uint8Array;
    }
  /** `from` equal to `node` means that the node left of its own will. */
  | { readonly type: 'dead'; readonly incarnation: number; readonly node: string; readonly from: string }
  /** The body may be a view into the datagram. */
  | { readonly type: 'user'; readonly body: Uint8Array };

/** One member in a push-pull exchange. */
export interface NodeState {
  readonly name: string;
  readonly address: Address;
  readonly meta: Uint8Array;
  readonly incarnation: number;
  readonly state: 'alive' | 'suspect' | 'dead' | 'left';
  /** Six bytes, or none: see `alive`. */
  readonly versions: Uint8Array;
}

/** What a stream carries: one message each way. */
export type StreamMessage =
  | Extract<Message, { readonly type: 'ping' | 'ack' | 'user' }>
  | {
      readonly type: 'push-pull';
      /** This exchange is a join; the responder echoes it. */
      readonly join: boolean;
      readonly nodes: readonly NodeState[];
      /** The layer above: Serf puts a `push-pull` of its own here. */
      readonly userState: Uint8Array;
    }
  | { readonly type: 'error'; readonly message: string };

/** One part of an opened datagram: decoded, or refused by itself while its neighbours stand. */
export type Part =
  | { readonly message: Message; readonly malformed: undefined; readonly bytes: number }
  | { readonly message: undefined; readonly malformed: string; readonly bytes: number };

/** How the datagrams and streams of a cluster are wrapped. All its nodes agree. */
export interface Wrapping {
  /** Seals and opens; undefined: everything is plaintext. */
  readonly keyring?: Keyring | undefined;
  /** Names the cluster, 1 … 255 bytes; undefined or '': none. */
  readonly label?: string | undefined;
}

/** The type byte in front of every body. */
export const messageTypes = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compress: 9,
  encrypt: 10,
  nack: 11,
  crc: 12,
  error: 13,
  label: 244,
} as const;
