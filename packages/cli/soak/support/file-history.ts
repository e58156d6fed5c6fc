import { createHash } from 'node:crypto';
import type { NodeClient } from '../../src/client/http-client.ts';
import { getBytes, putBytes } from '../../src/dfs/bytes.ts';

/** One put or get, as its client saw it. */
interface Operation {
  readonly kind: 'put' | 'get';
  readonly name: string;
  readonly begun: number;
  readonly ended: number;
  /** The version that was put or read; 0: there was none to read. */
  readonly version: number;
  readonly sha256: string;
}

const keptVersions = 1_000;

/** What many clients did to the same files, and whether one order explains all that they saw. */
export class FileHistory {
  readonly operations: Operation[] = [];
  /** Puts whose outcome nobody knows: their bytes may be there, under any version. */
  readonly #maybe = new Map<string, Set<string>>();
  readonly failed: string[] = [];
  readonly longestMs = { put: 0, get: 0 };

  async put(clients: readonly NodeClient[], name: string, bytes: Buffer): Promise<void> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const begun = performance.now();
    try {
      const { version } = await putBytes(clients, name, bytes, { keep: keptVersions });
      this.#note({ kind: 'put', name, begun, ended: performance.now(), version, sha256 });
    } catch (cause) {
      const maybe = this.#maybe.get(name) ?? new Set();
      this.#maybe.set(name, maybe.add(sha256));
      this.failed.push(`put of ${name}: ${String(cause)}`);
    }
  }

  async get(clients: readonly NodeClient[], name: string): Promise<void> {
    const begun = performance.now();
    try {
      const { version, content } = await getBytes(clients, name);
      // Of the bytes that came, whatever they were said to be.
      const sha256 = createHash('sha256').update(content).digest('hex');
      this.#note({ kind: 'get', name, begun, ended: performance.now(), version, sha256 });
    } catch (cause) {
      if ((cause as { readonly code?: string }).code === 'DFS_NOT_FOUND')
        this.#note({ kind: 'get', name, begun, ended: performance.now(), version: 0, sha256: '' });
      else this.failed.push(`get of ${name}: ${String(cause)}`);
    }
  }

  #note(operation: Operation): void {
    this.operations.push(operation);
    const { kind, begun, ended } = operation;
    this.longestMs[kind] = Math.max(this.longestMs[kind], ended - begun);
  }

  get acknowledged(): readonly Operation[] {
    return this.operations.filter(({ kind }) => kind === 'put');
  }

  /** Per file: the versions order the puts, each get stands behind the put it read; that order must fit the clock. */
  judge(): readonly string[] {
    const names = new Set(this.operations.map(({ name }) => name));
    return [...names].flatMap((name) => this.#judgeOne(name));
  }

  #judgeOne(name: string): readonly string[] {
    const operations = this.operations.filter((operation) => operation.name === name);
    const puts = new Map<number, Operation>();
    const problems: string[] = [];
    for (const put of operations.filter(({ kind }) => kind === 'put')) {
      if (puts.has(put.version)) problems.push(`${name}: two puts were acknowledged as version ${put.version}`);
      puts.set(put.version, put);
    }
    for (const get of operations.filter(({ kind, version }) => kind === 'get' && version > 0)) {
      const put = puts.get(get.version);
      const isRight = put === undefined ? this.#maybe.get(name)?.has(get.sha256) === true : put.sha256 === get.sha256;
      if (!isRight) problems.push(`${name}: version ${get.version} was read with other bytes than were put`);
      if (put !== undefined && put.begun > get.ended)
        problems.push(`${name}: version ${get.version} was read before it was put`);
    }
    return [...problems, ...outOfOrder(name, operations)];
  }
}

/** Whatever began after something had ended must see at least as new a version; a put must make a newer one. */
function outOfOrder(name: string, operations: readonly Operation[]): readonly string[] {
  const problems: string[] = [];
  const ended = operations.toSorted((a, b) => a.ended - b.ended);
  let [next, newest] = [0, 0];
  for (const operation of operations.toSorted((a, b) => a.begun - b.begun)) {
    while (next < ended.length && (ended[next] as Operation).ended < operation.begun)
      newest = Math.max(newest, (ended[next++] as Operation).version);
    const isOld = operation.kind === 'put' ? operation.version <= newest : operation.version < newest;
    if (isOld)
      problems.push(`${name}: a ${operation.kind} of version ${operation.version} began after ${newest} was known`);
  }
  return problems;
}
