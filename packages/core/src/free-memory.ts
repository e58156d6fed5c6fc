/** Below, the call costs more than it brings. */
const bytesMin = 16_384;

/**
 * Gives the memory of bytes back at once instead of leaving it to the garbage collector, which otherwise marks the whole
 * heap again for every few dozen megabytes that come in. For bytes that are the caller's own and are not used any more:
 * a `Uint8Array` over all of an `ArrayBuffer`. Anything else stays as it is.
 */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < bytesMin || byteLength !== buffer.byteLength) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
