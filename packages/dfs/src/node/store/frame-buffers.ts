import { frameBytes } from './config.ts';

/** Writes past the system's cache begin and end at multiples of this, in the file and in memory: disks want 512 or 4,096. */
export const blockBytes = 4_096;

const buffersPerArena = 8;
/** What two transfers have under way. */
const keptMax = 16;
const wasmPageBytes = 65_536;

/** Memory for one frame, and for the header of a record before it. */
export class FrameBuffer {
  /** The block before the content. */
  readonly head: Buffer;
  readonly content: Buffer;
  /** Both, in one piece. */
  readonly all: Buffer;

  constructor(all: Buffer) {
    this.all = all;
    this.head = all.subarray(0, blockBytes);
    this.content = all.subarray(blockBytes);
  }
}

/** Buffers that are used again: fresh memory of that size costs more than what is done with it. */
export class FrameBuffers {
  readonly #arenas = new Set<{ readonly free: FrameBuffer[] }>();
  readonly #arenaOf = new WeakMap<FrameBuffer, { readonly free: FrameBuffer[] }>();
  #freeCount = 0;

  take(): FrameBuffer {
    for (const arena of this.#arenas) {
      const buffer = arena.free.pop();
      if (buffer === undefined) continue;
      this.#freeCount--;
      return buffer;
    }
    this.#grow();
    return this.take();
  }

  /** It must have been taken here, and nobody may use it any more. */
  giveBack(buffer: FrameBuffer): void {
    const arena = this.#arenaOf.get(buffer);
    if (arena === undefined) return;
    arena.free.push(buffer);
    this.#freeCount++;
    if (this.#freeCount <= keptMax || arena.free.length < buffersPerArena) return;
    this.#arenas.delete(arena);
    this.#freeCount -= buffersPerArena;
  }

  #grow(): void {
    const stride = blockBytes + frameBytes;
    const memory = Buffer.from(alignedMemory(buffersPerArena * stride));
    const cut = (_: unknown, index: number): FrameBuffer =>
      new FrameBuffer(memory.subarray(index * stride, (index + 1) * stride));
    const arena = { free: Array.from({ length: buffersPerArena }, cut) };
    for (const buffer of arena.free) this.#arenaOf.set(buffer, arena);
    this.#arenas.add(arena);
    this.#freeCount += buffersPerArena;
  }
}

interface WithMemory {
  readonly WebAssembly: {
    readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  };
}

/** Memory that begins where a page does: of all that JavaScript can ask for only a WebAssembly memory does so. */
function alignedMemory(bytes: number): ArrayBuffer {
  const pages = Math.ceil(bytes / wasmPageBytes);
  try {
    const { WebAssembly: machine } = globalThis as unknown as WithMemory;
    return new machine.Memory({ initial: pages, maximum: pages }).buffer;
  } catch {
    // Without WebAssembly (`--jitless`), or short of addresses: such memory is written through the system's cache.
    return new ArrayBuffer(bytes);
  }
}
