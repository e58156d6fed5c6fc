import type { Address, Millis } from '@grp/core';
import type { Engine } from './engine.ts';

/** One peer as its link sees it, since it is known here. */
export interface PeerStats {
  readonly peer: Address;
  readonly state: 'idle' | 'greeting' | 'open';
  /** Smoothed round trip; undefined before the first measurement. */
  readonly rttMs: Millis | undefined;
  readonly rtoMs: Millis;
  /** Waiting or not acknowledged, with headers. */
  readonly queuedBytes: number;
  readonly inFlightBytes: number;
  readonly windowBytes: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly messagesSent: number;
  readonly messagesDelivered: number;
  /** Of the current session. */
  readonly retransmits: number;
  readonly timeouts: number;
  readonly resets: number;
  /** What was refused here, by reason. */
  readonly drops: Readonly<Record<string, number>>;
}

/** What all links of one process have carried, repeated and dropped. */
export interface LinkStats {
  readonly peers: readonly PeerStats[];
  /** Drops that belong to no known peer. */
  readonly drops: Readonly<Record<string, number>>;
}

/** A copy of all counters. */
export function statsOf({ peers, drops }: Pick<Engine, 'peers' | 'drops'>): LinkStats {
  return {
    peers: [...peers.values()].map(({ address, state, send, counters, drops: own }) => ({
      peer: address,
      state,
      rttMs: send.roundTrips.smoothedMs,
      rtoMs: send.roundTrips.timeoutMs,
      queuedBytes: send.heldBytes,
      inFlightBytes: send.inFlightBytes,
      windowBytes: Math.round(send.congestion.bytes),
      ...counters,
      retransmits: send.retransmitCount,
      timeouts: send.timeoutCount,
      drops: Object.fromEntries(own),
    })),
    drops: Object.fromEntries(drops),
  };
}
