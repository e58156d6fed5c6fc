import { recordKinds, type RecordHeader } from './record.ts';
import type { StoreParts } from './store-parts.ts';

/**
 * Says durably that a blob is no more. It names the segment whose record it ends, and is needed as long as that segment
 * exists. @throws what the system says
 */
export async function appendRemoval(
  parts: StoreParts,
  { blob, epoch }: Pick<RecordHeader, 'blob' | 'epoch'>,
  segment: number,
): Promise<void> {
  const header: RecordHeader = {
    ...{ kind: recordKinds.removed, blob, epoch, of: segment, bytes: 0, payloadBytes: 0 },
    sequence: parts.nextSequence(),
    sha256: '0'.repeat(64),
    table: [],
  };
  const place = await parts.openLanes().small.append(header, []);
  parts.account(place.segment, { total: place.recordBytes, removal: place.recordBytes });
}
