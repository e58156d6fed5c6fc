import type { Streams } from '@grp/core';
import type { FrameBuffers } from '../store/frame-buffers.ts';
import type { TransferConfig } from './config.ts';
import { Peer } from './peer.ts';

/** How file servers are reached. */
export interface PeersOptions {
  readonly streams: Streams;
  readonly config: TransferConfig;
  /** This side's id; empty for a client. */
  readonly node?: string;
  /** Where content is put that comes in; none: it stays in the pieces in which it came. */
  readonly buffers?: FrameBuffers;
}

/** The file servers that this process talks to, each with its connections. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<string, Peer>();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  at(address: string): Peer {
    const known = this.#peers.get(address);
    if (known !== undefined) return known;
    const { node = '' } = this.#options;
    const peer = new Peer({ ...this.#options, node, address, after });
    this.#peers.set(address, peer);
    return peer;
  }

  close(): void {
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
  }
}

function after(milliseconds: number, callback: () => void): () => void {
  const timer = setTimeout(callback, milliseconds);
  return () => clearTimeout(timer);
}
