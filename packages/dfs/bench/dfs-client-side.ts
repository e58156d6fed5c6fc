// Our own side: puts and gets through a client, and both while one of three servers stands still.
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { DfsClient } from '../src/node/index.ts';
import { measure, mebibyte, type Cell, type Row, type Side } from './dfs-measure.ts';

export function clientSide(client: DfsClient): Side {
  const block = randomBytes(mebibyte);
  const tiny = Buffer.from(block.subarray(0, 4_096));
  const blocks = function* (count: number): Generator<Buffer> {
    for (; count > 0; count--) yield block;
  };
  // A large file is put again in the next turn, and one version of it is room enough to ask for.
  const nameOf = ({ size, bytes, atOnce }: Cell, turn: number, index: number): string =>
    bytes > mebibyte ? size : `${size}/${atOnce}/${turn}/${index}`;
  return {
    put(cell, turn) {
      const { size, bytes, count, atOnce } = cell;
      const content = bytes === 4_096 ? tiny : block;
      const run = async (index: number): Promise<void> => {
        const from =
          bytes <= mebibyte
            ? content
            : Readable.from(blocks(bytes / mebibyte), { objectMode: false, highWaterMark: mebibyte });
        await client.put(nameOf(cell, turn, index), from, { keep: 1 });
      };
      return measure({ of: 'grp', what: `put ${size}`, bytes, count, atOnce, run });
    },
    async get(cell, turn) {
      const { size, bytes, count, atOnce } = cell;
      const get =
        (verify: 'frames' | 'whole') =>
        async (index: number): Promise<void> => {
          const read = await drain(client, nameOf(cell, turn, index % count), verify);
          if (read !== bytes) throw new Error(`${read} bytes instead of ${bytes}`);
        };
      const times = bytes > mebibyte ? 3 : count;
      const common = { of: 'grp', bytes, count: times, atOnce };
      if (bytes < mebibyte) return [await measure({ ...common, what: `get ${size}`, run: get('whole') })];
      const rows = [await measure({ ...common, count, what: `get ${size}, first`, run: get('frames') })];
      // What was just written is in no server's cache, and each of the three may be asked.
      for (let index = 0; index < 6 * count; index++) await get('frames')(index);
      rows.push(await measure({ ...common, what: `get ${size}`, run: get('frames') }));
      return [...rows, await measure({ ...common, what: `get ${size}, SHA-256 too`, run: get('whole') })];
    },
  };
}

async function drain(client: DfsClient, name: string, verify: 'frames' | 'whole' = 'whole'): Promise<number> {
  let bytes = 0;
  const { stream } = client.get(name, { verify });
  stream.on('data', (part: Buffer) => (bytes += part.length));
  await new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject));
  return bytes;
}

/** Puts and gets while one of three servers stands still: the longest of each. */
export async function measureStopped(client: DfsClient, victim: ChildProcess): Promise<readonly Row[]> {
  const tiny = randomBytes(4_096);
  for (let index = 0; index < 50; index++) await client.put(`before/${index}`, tiny);
  victim.kill('SIGSTOP');
  const put = async (index: number): Promise<void> => void (await client.put(`grey/${index}`, tiny));
  const get = async (index: number): Promise<void> => void (await drain(client, `before/${index % 50}`));
  const common = { of: 'grp', bytes: 4_096, count: 300, atOnce: 4 };
  const rows = [
    await measure({ ...common, what: 'put 4 KiB, one stopped', run: put }),
    await measure({ ...common, what: 'get 4 KiB, one stopped', run: get }),
  ];
  victim.kill('SIGCONT');
  return rows;
}
