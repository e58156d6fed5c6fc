import { create, toBinary } from '@bufbuild/protobuf';
import { CommandSchema } from '../src/gen/grp/chat/v1/log_pb.ts';
import type { Outcome } from '../src/model.ts';
import type { CommandInit } from '../src/state.ts';
import type { ChatState } from '../src/state.ts';

export type ChangeInit = NonNullable<CommandInit['change']>;

/** 16 bytes that name a request. */
export function requestId(number: number): Uint8Array {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(12, number);
  return id;
}

/** The hash of a token, which here is just bytes. */
export function tokenOf(name: string): Uint8Array {
  const hash = new Uint8Array(32);
  hash.set(new TextEncoder().encode(name));
  return hash;
}

export function encode(id: Uint8Array, atMs: number, change: ChangeInit): Uint8Array {
  return toBinary(CommandSchema, create(CommandSchema, { requestId: id, atMs: BigInt(atMs), change }));
}

/** A log with one writer: each change gets the next index, its own request id and one more millisecond. */
export class Script {
  readonly log: Uint8Array[] = [];
  readonly state: ChatState;

  constructor(state: ChatState) {
    this.state = state;
  }

  do(change: ChangeInit, id = requestId(this.log.length + 1)): Outcome {
    const entry = encode(id, 1_000 + this.log.length, change);
    this.log.push(entry);
    return this.state.apply(this.log.length, entry);
  }

  /** Registers and logs in; the token is the name. */
  arrive(name: string): void {
    this.do({ case: 'register', value: { name, passwordHash: `hash of ${name}` } });
    const account = this.state.account(name);
    const index = BigInt(account?.index ?? 0);
    const login = {
      name,
      tokenHash: tokenOf(name),
      expiresAtMs: 1_000_000n,
      accountIndex: index,
      passwordIndex: index,
    };
    this.do({ case: 'login', value: login });
  }

  send(name: string, room: string, text: string, id?: Uint8Array): Outcome {
    return this.do({ case: 'send', value: { tokenHash: tokenOf(name), room, text } }, id);
  }

  texts(room: string): readonly string[] {
    return [...(this.state.room(room)?.messages ?? [])].map(({ text }) => text);
  }
}
