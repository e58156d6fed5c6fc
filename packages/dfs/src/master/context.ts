import type { Millis } from '@grp/core';
import type { MasterConfig, ServiceConfig } from '../config.ts';
import type { Command, Result } from '../meta/commands.ts';
import type { MetaState } from '../meta/state.ts';
import type { BlobId, FileServer, ServerId } from '../model.ts';
import type { MasterEffect } from './types.ts';

/** What the parts of the master share. */
export interface MasterContext {
  readonly config: MasterConfig;
  readonly reserveBytes: ServiceConfig['reserveBytes'];
  readonly state: MetaState;
  readonly now: Millis;
  /** A number that nothing of this machine had before. */
  number(): number;
  emit(effect: MasterEffect): void;
  /** Has the command done once, however often it is asked for meanwhile; `onResult` hears what came of it. */
  propose(key: string, command: Command, onResult?: (result: Result | undefined) => void): void;
  isProposed(key: string): boolean;
  /** Somebody says that a copy is bad: its server reads it again. */
  verify(copy: { readonly blob: BlobId; readonly node: ServerId; readonly incarnation: number }): void;
  /** Asks for a wake-up not later than `at`. */
  wakeAt(at: Millis): void;
  /** The server with its room; undefined when it is not up. */
  server(id: ServerId): FileServer | undefined;
  /** Believed to run, and up in the log. */
  liveServers(): readonly FileServer[];
}
