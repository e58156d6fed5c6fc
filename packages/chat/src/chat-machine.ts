import type { Cancel } from '@grp/core';
import type { StateConfig } from './config.ts';
import type { Outcome, Room } from './model.ts';
import { encodeOutcome } from './outcome-codec.ts';
import { captureState, StateRestorer } from './snapshot.ts';
import { ChatState, type ChatView } from './state.ts';

/** A message that has just been applied here: `room.messages.at(sequence)`. */
export interface AppliedMessage {
  readonly room: Room;
  readonly sequence: number;
}

/**
 * The chat as a replicated log's state machine: three functions. The same commands at the same indices give the same
 * answers and the same snapshot on every server.
 */
export class ChatMachine {
  readonly #config: Partial<StateConfig>;
  readonly #messages = new Set<(applied: AppliedMessage) => void>();
  /** By the room that they follow. */
  readonly #followers = new Map<string, Set<(room: Room) => void>>();
  readonly #restored = new Set<() => void>();
  /** Snapshots are restored piece by piece, and are never in memory as a whole. */
  readonly inPieces = true;
  #state: ChatState;
  #restorer: StateRestorer;

  constructor(config: Partial<StateConfig> = {}) {
    this.#config = config;
    this.#state = new ChatState(config);
    this.#restorer = new StateRestorer(config);
  }

  /** The copy of the state as it is now; another object after `restore`. */
  get view(): ChatView {
    return this.#state;
  }

  apply(command: Uint8Array, index: number): Uint8Array {
    const outcome = this.#state.apply(index, command);
    // A retry gives the outcome of the first time, whose message everybody has had already.
    if (outcome.ok && outcome.index === index && outcome.sequence !== undefined) this.#tell(outcome);
    return encodeOutcome(outcome);
  }

  /** The state as it is now, in pieces that may be drawn while later commands are applied. */
  snapshot(): Iterable<Uint8Array> {
    return captureState(this.#state);
  }

  /**
   * Takes over a snapshot piece by piece, cut anywhere; the state stays as it was until the last one is there.
   * @throws GrpError CHAT_SNAPSHOT_INVALID; the state is then as before
   */
  restore(piece: Uint8Array, { isFirst, isLast }: { readonly isFirst: boolean; readonly isLast: boolean }): void {
    if (isFirst) this.#restorer = new StateRestorer(this.#config);
    this.#restorer.push(piece);
    if (!isLast) return;
    this.#state = this.#restorer.finish();
    this.#restorer = new StateRestorer(this.#config);
    for (const listener of this.#restored) listener();
  }

  onMessage(listener: (applied: AppliedMessage) => void): Cancel {
    this.#messages.add(listener);
    return () => void this.#messages.delete(listener);
  }

  /** Calls back when a room has got a message; costs nothing when others get one. */
  follow(room: string, listener: (room: Room) => void): Cancel {
    const followers = this.#followers.get(room) ?? new Set();
    this.#followers.set(room, followers.add(listener));
    return () => {
      followers.delete(listener);
      if (followers.size === 0 && this.#followers.get(room) === followers) this.#followers.delete(room);
    };
  }

  /** A snapshot has replaced the state: whoever follows a room must look again. */
  onRestored(listener: () => void): Cancel {
    this.#restored.add(listener);
    return () => void this.#restored.delete(listener);
  }

  #tell({ room: name = '', sequence = 0 }: Extract<Outcome, { ok: true }>): void {
    const followers = this.#followers.get(name);
    if (followers === undefined && this.#messages.size === 0) return;
    const room = this.#state.room(name);
    if (room === undefined) return;
    for (const listener of this.#messages) listener({ room, sequence });
    for (const listener of followers ?? []) listener(room);
  }
}
