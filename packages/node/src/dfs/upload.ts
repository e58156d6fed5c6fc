import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

const highWaterMark = 2_097_152;

/** The body of a request as a source for a put. */
export interface Upload {
  readonly source: Readable;
  /** What was wrong with it, when that is not the client's silence. */
  readonly problem: () => string | undefined;
}

/**
 * Reads a request's body. It may be given up without an end of the connection, so that the client still gets its answer.
 * With `sha256` the last piece is held back until the digest is known to be right: without it there is no put.
 */
export function uploadOf(request: IncomingMessage, sha256: string | undefined): Upload {
  let problem: string | undefined;
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  const pieces =
    sha256 === undefined
      ? body
      : checked(body, sha256, (what) => {
          problem = what;
        });
  return { source: Readable.from(pieces, { objectMode: false, highWaterMark }), problem: () => problem };
}

async function* checked(
  body: AsyncIterable<Buffer>,
  sha256: string,
  onWrong: (problem: string) => void,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let held: Buffer | undefined;
  for await (const piece of body) {
    if (held !== undefined) yield held;
    hash.update(piece);
    held = piece;
  }
  const found = hash.digest('hex');
  if (found !== sha256) {
    const problem = `the SHA-256 of the bytes is ${found}, the header grp-sha256 says ${sha256}`;
    onWrong(problem);
    throw new Error(problem);
  }
  if (held !== undefined) yield held;
}
