import type { Random } from '@grp/core';
import type { TrackerClientConfig } from '../config.ts';
import type { RegistrationOptions } from './registration.ts';

export interface ClientMachineOptions extends RegistrationOptions {
  /** For messages only. */
  readonly tracker: string;
  readonly config: TrackerClientConfig;
  readonly random: Random;
  /** Groups that a tracker has forgotten are made again (default true). */
  readonly recreate?: boolean | undefined;
}

/** How far the connection is. */
export type Link =
  | { readonly name: 'idle' | 'stopped' }
  | { readonly name: 'waiting' }
  /** `since` the dialling; then the greeting, then the answer to hello or resume. */
  | { readonly name: 'greeting' | 'registering' | 'ready'; readonly connection: number };
