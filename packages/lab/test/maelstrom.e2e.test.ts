import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { checkLinearizability, OperationHistory, registerModel } from '@grp/sim';
import { afterEach, expect, test } from 'vitest';

// Maelstrom's part, played by a test: real processes, lines over pipes, every message routed here.
const entry = fileURLToPath(new URL('../../cli/bin/dev.ts', import.meta.url));
const names = ['n1', 'n2', 'n3'] as const;

interface Body {
  readonly type: string;
  readonly [field: string]: unknown;
}

class Bench {
  readonly #processes = new Map<string, ChildProcess>();
  readonly #calls = new Map<number, (body: Body) => void>();
  readonly ended: Promise<readonly unknown[]>;
  readonly strange: string[] = [];
  #number = 0;
  cutOff: string | undefined;

  constructor(workload: string) {
    const ends = names.map((name) => this.#start(name, workload));
    this.ended = Promise.all(ends);
  }

  ask(node: string, body: object): Promise<Body> {
    const id = ++this.#number;
    return new Promise((resolve) => {
      this.#calls.set(id, resolve);
      this.#write(node, JSON.stringify({ src: 'c1', dest: node, body: { ...body, msg_id: id } }));
    });
  }

  /** Tells all who they are, and their answers' types. */
  async begin(): Promise<readonly string[]> {
    const answers = names.map((name) => this.ask(name, { type: 'init', node_id: name, node_ids: names }));
    return (await Promise.all(answers)).map(({ type }) => type);
  }

  /** Maelstrom ends a node by closing its stdin. */
  end(): void {
    for (const child of this.#processes.values()) child.stdin?.end();
  }

  kill(): void {
    for (const child of this.#processes.values()) child.kill('SIGKILL');
  }

  #start(name: string, workload: string): Promise<unknown> {
    const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', entry];
    const child = spawn(process.execPath, [...args, 'lab', 'maelstrom', '--workload', workload], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#processes.set(name, child);
    createInterface({ input: child.stdout }).on('line', (line) => this.#route(line));
    return new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  }

  #route(line: string): void {
    const { src, dest, body } = JSON.parse(line) as { src: string; dest: string; body: Body };
    if (dest === 'c1') this.#calls.get(Number(body['in_reply_to']))?.(body);
    else if (!names.includes(dest as 'n1')) this.strange.push(line);
    else if (src !== this.cutOff && dest !== this.cutOff) this.#write(dest, line);
  }

  #write(node: string, line: string): void {
    const stdin = this.#processes.get(node)?.stdin;
    if (stdin?.writable === true) stdin.write(`${line}\n`);
  }
}

let bench: Bench;
afterEach(() => bench.kill());

test('lin-kv by three processes is linearizable, also while one is cut off', async () => {
  bench = new Bench('lin-kv');
  expect(await bench.begin()).toEqual(['init_ok', 'init_ok', 'init_ok']);
  const history = new OperationHistory(() => performance.now());
  const one = async (process: string, node: string, f: 'read' | 'write', value?: number): Promise<string> => {
    const operation = history.begin({ process, f, key: 'k', ...(value !== undefined && { value }) });
    const answer = await bench.ask(node, { type: f, key: 'k', value });
    if (answer.type === 'error' && answer['code'] === 0) operation.info();
    else if (answer.type === 'error' && answer['code'] !== 20) operation.fail();
    else operation.ok(f === 'read' ? (answer['value'] ?? null) : undefined);
    return answer.type;
  };
  const turns = async (process: string, nodes: readonly string[], first: number): Promise<void> => {
    for (let turn = 0; turn < 25; turn++) {
      const node = nodes[turn % nodes.length] as string;
      await (turn % 3 === 0 ? one(process, node, 'write', first + turn) : one(process, node, 'read'));
    }
  };
  await Promise.all([turns('a', names, 1_000), turns('b', names, 2_000), turns('c', names, 3_000)]);
  bench.cutOff = 'n3';
  await Promise.all([turns('d', ['n1', 'n2'], 4_000), one('e', 'n3', 'read'), one('f', 'n3', 'write', 5_000)]);
  bench.cutOff = undefined;
  await turns('g', names, 6_000);
  const all = history.all();
  expect(checkLinearizability(all, registerModel)).toMatchObject({ violations: [], undecided: [] });
  expect(all.filter(({ type }) => type === 'ok').length).toBeGreaterThan(90);
  expect(bench.strange).toEqual([]);
  bench.end();
  expect(await bench.ended).toEqual([0, 0, 0]);
}, 60_000);

test('broadcast by three processes reaches everybody', async () => {
  bench = new Bench('broadcast');
  expect(await bench.begin()).toEqual(['init_ok', 'init_ok', 'init_ok']);
  const topology = { n1: ['n2'], n2: ['n1', 'n3'], n3: ['n2'] };
  for (const name of names) expect((await bench.ask(name, { type: 'topology', topology })).type).toBe('topology_ok');
  bench.cutOff = 'n2';
  for (const [index, name] of names.entries())
    expect((await bench.ask(name, { type: 'broadcast', message: index })).type).toBe('broadcast_ok');
  bench.cutOff = undefined;
  const read = async (name: string) => {
    const { messages } = await bench.ask(name, { type: 'read' });
    return (messages as number[]).toSorted((a, b) => a - b);
  };
  await expect.poll(() => Promise.all(names.map(read)), { timeout: 20_000 }).toEqual(names.map(() => [0, 1, 2]));
  bench.end();
  expect(await bench.ended).toEqual([0, 0, 0]);
}, 60_000);
