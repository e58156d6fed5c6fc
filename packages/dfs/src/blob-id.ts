import type { Random } from '@grp/core';
import type { BlobId } from './model.ts';

/** A fresh id: 128 bits of chance. In production the chance must come from the system (`systemRandom`). */
export function blobIdFrom(random: Random): BlobId {
  let id = '';
  for (let word = 0; word < 4; word++) id += random.nextU32().toString(16).padStart(8, '0');
  return id;
}
