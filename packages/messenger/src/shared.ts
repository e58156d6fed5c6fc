import type { Clock, Logger, Random } from '@grp/core';
import type { Signer, TrackerClient, TrackerCrypto } from '@grp/tracker';
import type { MessengerEvent } from './api.ts';
import type { Channels } from './channels.ts';
import type { MessengerConfig } from './config.ts';
import type { Refusals } from './refusals.ts';

/** What all groups of one messenger share. */
export interface Shared {
  readonly tracker: TrackerClient;
  readonly channels: Channels;
  readonly refusals: Refusals;
  readonly signer: Signer;
  readonly crypto: TrackerCrypto;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: MessengerConfig;
  readonly defer: ((callback: () => void) => void) | undefined;
  /** Sends now what would leave at the end of this turn. */
  readonly flush: () => void;
  readonly emit: (event: MessengerEvent) => void;
  readonly isIgnored: (nick: string) => boolean;
}
