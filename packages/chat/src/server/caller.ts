import type { Metadata } from '@grpc/grpc-js';
import type { Caller } from './operations.ts';

/** Who asks, as the metadata of a call say. */
export function callerOf(metadata: Metadata, signal: AbortSignal): Caller {
  const [authorization] = metadata.get('authorization');
  return { token: /^Bearer ([\w-]{1,128})$/.exec(String(authorization ?? ''))?.[1], signal };
}
