import { pick, type Address, type Clock, type Random } from '@grp/core';
import { decodeReply, encodeRequest, type MetaReply, type MetaRequest } from '@grp/dfs';
import type { Answers, Send } from './messages.ts';

export interface CallerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly answers: Answers;
  readonly send: Send;
  readonly servers: readonly string[];
  readonly address: (name: string) => Address;
}

const attemptMs = 120;
const attemptsMax = 8;

/** Asks the metadata service: follows leaders, goes on to another node in silence, and gives up after a while. */
export class Caller {
  readonly #options: CallerOptions;
  #target: string | undefined;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** `done` hears the reply, or undefined when nobody answered. */
  call(request: MetaRequest, done: (reply: MetaReply | undefined) => void): void {
    this.#attempt(encodeRequest(request), 1, done);
  }

  #attempt(request: Uint8Array, number: number, done: (reply: MetaReply | undefined) => void): void {
    const { clock, random, answers, send, servers, address } = this.#options;
    if (number > attemptsMax) return done(undefined);
    this.#target ??= pick(random, servers);
    let isOver = false;
    const again = (ms: number): void => {
      if (isOver) return;
      isOver = true;
      answers.forget(id);
      clock.wakeAt(clock.now() + ms, () => this.#attempt(request, number + 1, done));
    };
    const id = answers.expect((message) => {
      const reply = message.type === 'told' ? decodeReply(message.reply) : undefined;
      if (isOver || reply === undefined) return;
      if (reply.kind === 'not-leader') {
        this.#target = reply.leader;
        return again(reply.leader === undefined ? 40 : 1);
      }
      isOver = true;
      answers.forget(id);
      done(reply);
    });
    send(address(this.#target as string), { type: 'ask', id, request });
    clock.wakeAt(clock.now() + attemptMs, () => {
      if (isOver) return;
      this.#target = undefined;
      again(0);
    });
  }
}
