// The interactive client on a pseudo-terminal, as somebody sits in front of it.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cliEntry } from '../src/entry.ts';
import { ScreenModel } from './support/screen.ts';
import { membersOf, startTalker, TrackerNode, until, type Talker } from './support/talker.ts';

const python = ['/usr/bin/python3', 'python3'].find(
  (name) => spawnSync(name, ['-c', 'import pty, termios, os; os.waitstatus_to_exitcode']).status === 0,
);
const title = python === undefined ? ' (skipped: there is no python3 with the module pty)' : '';

const tracker = new TrackerNode();
const children: ChildProcess[] = [];

beforeAll(async () => {
  if (python !== undefined) await tracker.start();
}, 60_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await tracker.kill();
});

interface Sitter {
  readonly screen: ScreenModel;
  readonly ended: Promise<number | null>;
  type(text: string): void;
  /** Waits for something to be seen; what is seen instead is in the error. */
  sees(condition: () => boolean, what: string): Promise<void>;
}

function sitDown(nick: string, columns: number): Sitter {
  const helper = fileURLToPath(new URL('./support/terminal.py', import.meta.url));
  const command = [process.execPath, ...cliEntry(), 'messenger', '--tracker', tracker.address, '--nick', nick];
  const child = spawn(python ?? '', [helper, `${columns}`, '24', ...command, '--group', 'tea'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const screen = new ScreenModel(columns);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => screen.feed(chunk));
  return {
    screen,
    ended: new Promise((resolve) => child.once('close', resolve)),
    type: (text) => void child.stdin.write(text),
    sees: (condition, what) =>
      until(condition, what, 25_000).then(
        () => {},
        (cause: unknown) => Promise.reject(new Error(`${String(cause)}\n${screen.rows.join('\n')}`)),
      ),
  };
}

function talk(nick: string): Talker {
  const talker = startTalker(nick, tracker.address);
  children.push(talker.child);
  return talker;
}

const lastRow = ({ screen }: Sitter): string => (screen.rows.at(-1) ?? '').trimEnd();

test.skipIf(python === undefined)(
  `on a real terminal no notice and no message breaks the line that is being typed${title}`,
  async () => {
    const ann = sitDown('ann', 60);
    const bob = talk('bob');
    await ann.sees(() => lastRow(ann) === 'tea>', 'ann sees her prompt');
    await until(() => membersOf(bob).length === 2, 'both are in');
    // A letter, a message, a letter, a message: the line grows while others talk, join and leave.
    const sentence = 'half a sentence that is longer than one row of this narrow terminal, so that it wraps';
    for (const [index, letter] of Array.from(sentence).entries()) {
      ann.type(letter);
      if (index % 4 === 0) bob.type(`news ${index / 4}`);
      if (index === 40) bob.type('!t a new topic');
      if (index % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 15));
    }
    const shown = (): readonly string[] => ann.screen.rows.map((row) => row.trimEnd());
    const newsCount = Math.ceil(sentence.length / 4);
    await ann.sees(() => shown().includes(`[tea] bob: news ${newsCount - 1}`), 'ann sees all the news');
    await ann.sees(() => shown().slice(-2).join('') === `tea> ${sentence}`, 'ann sees her line below them, whole');
    const news = shown().filter((row) => row.includes('news'));
    expect(news).toEqual(Array.from({ length: newsCount }, (_, index) => `[tea] bob: news ${index}`));
    expect(shown().filter((row) => row.includes('topic'))).toHaveLength(1);
    expect(shown().filter((row) => row.startsWith('tea>'))).toHaveLength(1);
    ann.type('\r');
    await until(() => bob.transcript().some((line) => line.endsWith(`ann: ${sentence}`)), 'bob reads it, unbroken');
    await ann.sees(() => lastRow(ann) === 'tea>', 'an empty line again');
    ann.type('not yet');
    bob.type('!q');
    expect(await bob.ended).toBe(0);
    await ann.sees(() => shown().some((row) => row.includes('bob has quit')), 'ann is told');
    expect(lastRow(ann)).toBe('tea> not yet');
    ann.type('\u0003!q\r'); // Ctrl-C gives the line up
    expect(await ann.ended).toBe(0);
  },
  90_000,
);
