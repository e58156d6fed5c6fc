import { GrpError } from '@grp/core';
import type { ChatMachine } from '../src/chat-machine.ts';
import type { ReplicatedLog } from '../src/ports.ts';

/** A log of one server that commits at once: what the chat's own tests need of a log. */
export class LocalLog implements ReplicatedLog {
  readonly #machine: ChatMachine;
  #index = 0;
  #refusal: { readonly code: string; readonly leader: string } | undefined;
  serving = true;

  constructor(machine: ChatMachine) {
    this.#machine = machine;
  }

  refuse(code: string, leader: string): void {
    this.#refusal = { code, leader };
  }

  accept(): void {
    this.#refusal = undefined;
  }

  async propose(command: Uint8Array): Promise<Uint8Array> {
    if (this.#refusal !== undefined) {
      throw new GrpError({ code: this.#refusal.code, kind: 'conflict', message: 'Another server leads.' });
    }
    return this.#machine.apply(command, ++this.#index);
  }

  async readBarrier(): Promise<void> {}

  leader(): string | undefined {
    return this.#refusal?.leader;
  }
}
