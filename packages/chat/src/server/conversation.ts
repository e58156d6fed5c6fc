import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { GrpError, type Cancel } from '@grp/core';
import type { ChatMachine } from '../chat-machine.ts';
import { chatError } from '../errors.ts';
import { ConverseResponseSchema, type ConverseRequest, type Follow } from '../gen/grp/chat/v1/chat_pb.ts';
import { ByteRange, utf8 } from '../fields.ts';
import { AskedSend, encodeMessageResponse, encodeSentResponse } from '../hot-codec.ts';
import type { Account, Room } from '../model.ts';
import type { ReplicatedLog } from '../ports.ts';
import type { Caller, ChatOperations } from './operations.ts';
import { pooled } from './pooled.ts';

export interface ConversationOptions {
  readonly operations: ChatOperations;
  readonly machine: ChatMachine;
  readonly log: ReplicatedLog;
  readonly caller: Caller;
  readonly followsMax: number;
  /** False: the client reads too slowly; `resume` is called when there is room. */
  readonly write: (response: Uint8Array) => boolean;
  /** The session has ended, or is not allowed what it asked for. */
  readonly fail: (cause: unknown) => void;
}

interface Followed {
  readonly label: string;
  /** The label, in UTF-8. */
  readonly room: ByteRange;
  /** The last sequence written to this stream. */
  last: number;
  isLive: boolean;
  readonly cancel: Cancel;
}

type ResponseInit = NonNullable<MessageInitShape<typeof ConverseResponseSchema>['response']>;

const pageMax = 256;
const sendsAtOnceMax = 64;

/**
 * One client's stream: what it sends goes to the operations, what its rooms get comes back, each room in order and without
 * gaps. A client that reads slowly is not written to: its rooms stay where they are, and cost nothing but their position.
 */
export class Conversation {
  readonly #options: ConversationOptions;
  /** By the room's canonical name. */
  readonly #followed = new Map<string, Followed>();
  readonly #cancel: Cancel;
  #isClosed = false;
  #isFull = false;
  #isPumping = false;
  #sending = 0;
  /** Requests that are not answered yet, `follow` too. */
  #open = 0;
  #onQuiet: (() => void) | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    const { machine } = options;
    this.#cancel = machine.onRestored(() => this.#pump());
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
    for (const { cancel } of this.#followed.values()) cancel();
    this.#followed.clear();
  }

  /** The client has read: there is room again. */
  resume(): void {
    this.#isFull = false;
    this.#pump();
  }

  /**
   * The client will say nothing more. It still gets its answers, and, if it follows a room, what is new there; otherwise
   * `done` is called after the last answer.
   */
  finish(done: () => void): void {
    this.#onQuiet = done;
    this.#noteQuiet();
  }

  take(request: ConverseRequest | AskedSend): void {
    this.#open++;
    if (request instanceof AskedSend) this.#send(request);
    else
      this.#take(request).then(
        () => this.#closed(),
        (cause: unknown) => {
          this.#options.fail(cause);
          this.#closed();
        },
      );
  }

  /** A request is answered. */
  #closed(): void {
    this.#open--;
    this.#noteQuiet();
  }

  #noteQuiet(): void {
    if (this.#onQuiet !== undefined && this.#open === 0 && this.#followed.size === 0) this.#onQuiet();
  }

  async #take({ request }: ConverseRequest): Promise<void> {
    switch (request.case) {
      case 'follow':
        return this.#follow(request.value);
      case 'send': {
        const { requestId, room, text } = request.value;
        this.#open++;
        return this.#send(new AskedSend(new ByteRange(requestId), utf8(room), utf8(text)));
      }
      case 'markRead':
        return this.#answer(request.value.requestId, async () => {
          const { requestId, room, sequence } = request.value;
          await this.#options.operations.markRead(requestId, room, Number(sequence), this.#options.caller);
          return encodeResponse({ case: 'sent', value: { requestId } });
        });
      default:
        // A newer client's request: it learns that this server does not know it.
        throw chatError('CHAT_REQUEST_INVALID', { context: { problem: 'an unknown kind of request on a stream' } });
    }
  }

  /** The hot path: nothing is waited for by more than one promise of its own. */
  #send(asked: AskedSend): void {
    if (this.#sending >= sendsAtOnceMax) {
      this.#tooMuch(asked.requestId.view());
      return this.#closed();
    }
    this.#sending++;
    const { operations, caller } = this.#options;
    operations.sendBytes(asked, caller).then(
      (message) => {
        try {
          this.#writeBytes(encodeSentResponse(asked.requestId, asked.room, message, pooled));
        } catch (cause) {
          this.#options.fail(cause);
        }
        this.#sending--;
        this.#closed();
      },
      (cause: unknown) => {
        this.#refuse(asked.requestId.view(), cause);
        this.#sending--;
        this.#closed();
      },
    );
    return undefined;
  }

  async #follow({ room: wanted, afterSequence }: Follow): Promise<void> {
    const { operations, log, caller, followsMax } = this.#options;
    await log.readBarrier(caller); // what was committed before is in the copy, so that nothing is missed in between
    const account = operations.account(caller);
    const name = operations.canonicalRoom(account, wanted);
    if (this.#followed.size >= followsMax && !this.#followed.has(name)) {
      throw chatError('CHAT_BUSY', { context: { retryAfterMs: 1_000 } });
    }
    if (this.#isClosed) return;
    this.#followed.get(name)?.cancel();
    const cancel = this.#options.machine.follow(name, (room) => this.#advance(room));
    this.#followed.set(name, { label: wanted, room: utf8(wanted), last: Number(afterSequence), isLive: false, cancel });
    this.#pump();
  }

  async #answer(requestId: Uint8Array, work: () => Promise<Uint8Array>): Promise<void> {
    if (this.#sending >= sendsAtOnceMax) return this.#tooMuch(requestId);
    this.#sending++;
    try {
      this.#writeBytes(await work());
    } catch (cause) {
      this.#refuse(requestId, cause);
    } finally {
      this.#sending--;
    }
  }

  #tooMuch(requestId: Uint8Array): void {
    const value = { requestId, code: 'CHAT_BUSY', message: 'Too much at once.', retry: true };
    this.#write({ case: 'failure', value });
  }

  /** A request on the stream fails by itself; the stream goes on. */
  #refuse(requestId: Uint8Array, cause: unknown): void {
    if (!(cause instanceof GrpError)) return this.#options.fail(cause);
    const retry = ['no-quorum', 'unreachable'].includes(cause.kind) || cause.code === 'RAFT_NOT_LEADER';
    return this.#write({ case: 'failure', value: { requestId, code: cause.code, message: cause.message, retry } });
  }

  #advance(room: Room): void {
    const followed = this.#followed.get(room.name);
    if (followed === undefined || this.#isFull) return;
    if (this.#account() !== undefined) this.#writeFrom(room, followed);
  }

  /** Brings every room up to date, a page of each in turn, until all are or the client is full. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      const account = this.#account();
      if (account === undefined) return;
      for (const [name, followed] of this.#followed) {
        const room = this.#options.machine.view.room(name);
        for (let isMore = true; isMore && !this.#isFull;) isMore = this.#writeFrom(room, followed);
      }
    } finally {
      this.#isPumping = false;
    }
  }

  /** Undefined: the session has ended, and with it this stream. */
  #account(): Account | undefined {
    try {
      return this.#options.operations.account(this.#options.caller);
    } catch (cause) {
      this.#options.fail(cause);
      return undefined;
    }
  }

  /** True: there was a whole page, and there may be more. */
  #writeFrom(room: Room | undefined, followed: Followed): boolean {
    const messages = room?.messages;
    // A copy that was behind the client's last server has nothing for it yet.
    const end = Math.min(messages?.length ?? 0, followed.last + pageMax);
    const isPage = end === followed.last + pageMax;
    for (let sequence = followed.last + 1; sequence <= end; sequence++) {
      if (this.#isFull) return false;
      const message = messages?.record(sequence);
      if (message === undefined) break;
      followed.last = sequence;
      this.#writeBytes(encodeMessageResponse(followed.room, message, pooled));
    }
    if (!followed.isLive && followed.last >= (messages?.length ?? 0)) {
      followed.isLive = true;
      this.#write({ case: 'following', value: { room: followed.label, sequence: BigInt(followed.last) } });
    }
    return isPage;
  }

  #write(response: ResponseInit): void {
    this.#writeBytes(encodeResponse(response));
  }

  #writeBytes(response: Uint8Array): void {
    if (!this.#options.write(response)) this.#isFull = true;
  }
}

function encodeResponse(response: ResponseInit): Uint8Array {
  return toBinary(ConverseResponseSchema, create(ConverseResponseSchema, { response }));
}
