import type { Tags } from './api.ts';
import { swimError } from './errors.ts';
import { metaBytesMax, writeMeta } from './members.ts';

/** The address with `-` for what a name cannot have. */
export function defaultName(address: string): string {
  return address
    .replaceAll(/[^A-Za-z0-9.]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 63);
}

/** @throws GrpError SWIM_TAGS_TOO_LONG */
export function checkedMeta(tags: Tags, startedAt: number): Uint8Array {
  const meta = writeMeta(tags, startedAt);
  checkSize('SWIM_TAGS_TOO_LONG', meta.length, metaBytesMax);
  return meta;
}

/** @throws GrpError with this code when it is longer */
export function checkSize(code: Parameters<typeof swimError>[0], bytes: number, max: number): void {
  if (bytes > max) throw swimError(code, { context: { bytes, max } });
}
