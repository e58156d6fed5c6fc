/** Message names for the bandwidth table, by the type byte of a part. */
const kinds: readonly string[] = [
  'ping',
  'indirect-ping',
  'ack',
  'suspect',
  'alive',
  'dead',
  'push-pull',
  'compound',
  'user',
  'compress',
  'encrypt',
  'nack',
  'crc',
  'error',
];

export function kindOfPart(part: Uint8Array): string {
  return kinds[part[0] ?? -1] ?? 'other';
}
