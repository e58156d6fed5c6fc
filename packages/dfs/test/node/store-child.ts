// Stores blobs on a real disk until it is done or fails, and says what is durable: node store-child.ts FOLDER COUNT
import { openBlobStore } from '../../src/node/store/blob-store.ts';
import { newBlobId, store } from './store-support.ts';

const [folder = '', count = '0'] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const codeOf = (cause: unknown): string => (cause as { code?: string }).code ?? String(cause);
const sizes = [300, 5_000, 100_000, 4_300_000];
try {
  const opened = await openBlobStore({ dir: folder, config: { aheadBytes: 65_536, reserveBytes: 0 } });
  say(`opened ${opened.status().blobs}`);
  opened.onFailed = () => say('failed');
  const problems: string[] = [];
  const one = async (index: number): Promise<void> => {
    const bytes = sizes[index % sizes.length] as number;
    const blob = newBlobId();
    try {
      await store(opened, bytes, { blob });
      say(`stored ${blob} ${bytes}`);
      if (index % 5 !== 4) return;
      say(`removing ${blob}`);
      await opened.remove(blob);
      say(`removed ${blob}`);
    } catch (cause) {
      problems.push(codeOf(cause));
    }
  };
  for (let index = 0; index < Number(count) && problems.length === 0; index += 4)
    await Promise.all([0, 1, 2, 3].map((offset) => one(index + offset)));
  say(`problem ${problems[0] ?? 'none'}`);
  await opened.close();
  say('closed');
} catch (cause) {
  say(`refused ${codeOf(cause)}`);
}
