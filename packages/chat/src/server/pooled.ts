import type { Allocate } from '../hot-codec.ts';

/** Memory cut from Node's pool: an allocation of its own costs more than writing a message does. */
export const pooled: Allocate = (length) => Buffer.allocUnsafe(length);
