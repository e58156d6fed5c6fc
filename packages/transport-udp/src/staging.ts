/**
 * Copies what one socket sends, because the caller may reuse its buffer. As long as nothing waits in the socket, the
 * system has taken all that was sent before, and one area serves every datagram: a fresh buffer costs 0.4 µs of 1.4.
 */
export class Staging {
  readonly #area: Buffer;
  #view: Buffer;

  /** @param datagramBytes the longest datagram */
  constructor(datagramBytes: number) {
    this.#area = Buffer.alloc(datagramBytes);
    this.#view = this.#area;
  }

  /** @param waitingBytes what the socket has not handed to the system yet */
  copy(payload: Uint8Array, waitingBytes: number): Buffer {
    if (waitingBytes > 0) return Buffer.from(payload);
    if (this.#view.length !== payload.length) this.#view = this.#area.subarray(0, payload.length);
    this.#view.set(payload);
    return this.#view;
  }
}
