import type { Socket } from 'node:net';
import { dfsError } from '@grp/dfs';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The puts and gets that this node's HTTP API carries: not too many, and none that stands still. */
export class Transfers {
  readonly #max: number;
  readonly #stallMs: number;
  #count = 0;

  constructor({ transfersMax, transferStallMs }: { readonly transfersMax: number; readonly transferStallMs: number }) {
    this.#max = transfersMax;
    this.#stallMs = transferStallMs;
  }

  get count(): number {
    return this.#count;
  }

  /** Counts it until the answer is out, and cuts the client off when nothing passes. @throws GrpError DFS_BUSY */
  begin({ raw: { socket } }: FastifyRequest, reply: FastifyReply): void {
    if (this.#count >= this.#max)
      throw dfsError('DFS_BUSY', {
        hint: `This node carries ${this.#max} files already: ask another one, or try again.`,
      });
    this.#count++;
    const release = cutWhenStalled(socket, this.#stallMs);
    reply.raw.once('close', () => {
      this.#count--;
      release();
    });
  }
}

/** Bytes in either direction count. A store that is slow itself gives up earlier than a client is cut off. */
function cutWhenStalled(socket: Socket, stallMs: number): () => void {
  const cut = (): void => void socket.destroy();
  socket.setTimeout(stallMs);
  socket.once('timeout', cut);
  return () => {
    socket.off('timeout', cut);
    socket.setTimeout(0);
  };
}
