import { writeFile } from 'node:fs/promises';
import type { Messenger, MessengerMetrics, StopOptions } from '@grp/messenger';
import { cliError } from '../errors.ts';
import { jsonText } from '../output/json.ts';
import type { TableOptions } from '../output/table.ts';
import { Conversation } from './conversation.ts';
import { LineSplitter } from './line-splitter.ts';
import type { Screen } from './output.ts';
import { commandTable } from './parse-line.ts';
import { terminalScreen } from './terminal-screen.ts';

/** At the end of the input everything is still brought out, for a pipe; a `!q` does not wait so long. */
const inputEndDrainMs = 5_000;
const linesWaitingMax = 1_000;

export interface RunOptions {
  readonly messenger: Messenger;
  readonly groups: readonly string[];
  readonly order: 'fifo' | 'total';
  readonly key: string | undefined;
  readonly signal: AbortSignal;
}

export interface PlainOptions extends RunOptions {
  readonly screen: Screen;
  readonly input: AsyncIterable<Uint8Array>;
  /** Go on after the end of the input, until a signal. */
  readonly stay: boolean;
}

/** Reads lines until `!q`, the end of the input or the signal. Resolves with how to stop. */
export async function converse(options: PlainOptions): Promise<StopOptions> {
  const { messenger, screen, order, groups, key, signal, stay } = options;
  const conversation = new Conversation({ messenger, screen, order, groups, key });
  await conversation.begin();
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const reading = readLines(options.input, conversation, screen);
  const end = await Promise.race([aborted, reading]);
  if (end === 'end' && stay) await aborted;
  return conversation.quit ?? (end === 'end' && !stay ? { drainMs: inputEndDrainMs } : {});
}

async function readLines(
  input: AsyncIterable<Uint8Array>,
  conversation: Conversation,
  screen: Screen,
): Promise<'end' | undefined> {
  const splitter = new LineSplitter();
  const take = async (lines: ReturnType<LineSplitter['push']>): Promise<boolean> => {
    for (const { text, isCut } of lines) {
      if (isCut)
        screen.show({ type: 'notice', code: 'line-cut', text: 'a line was too long, and its end is left out' });
      await conversation.line(text);
      if (conversation.quit !== undefined) return true;
    }
    return false;
  };
  for await (const chunk of input) if (await take(splitter.push(chunk))) return undefined;
  return (await take(splitter.end())) ? undefined : 'end';
}

export interface TerminalOptions extends RunOptions {
  readonly text: TableOptions;
}

/** With a line editor, until `!q`, Ctrl-C, Ctrl-D or the signal. */
export async function converseOnTerminal(options: TerminalOptions): Promise<StopOptions> {
  const { messenger, signal, groups, order, key, text } = options;
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  signal.addEventListener('abort', end, { once: true });
  const lines: string[] = [];
  let isBusy = true; // what is typed before the groups are joined waits for them
  let conversation: Conversation | undefined; // the screen asks for its group before there is one
  const work = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    for (let line = lines.shift(); line !== undefined; line = lines.shift()) await conversation?.line(line);
    isBusy = false;
    if (conversation?.quit !== undefined) end();
  };
  const screen = terminalScreen({
    ...{ input: process.stdin, output: process.stdout, text },
    prompt: () => promptText(messenger, conversation?.current, text),
    complete: (line) => complete(messenger, conversation?.current, line),
    onLine(line) {
      if (lines.length < linesWaitingMax) lines.push(line);
      void work();
    },
    onEnd: () => end(),
  });
  conversation = new Conversation({ messenger, screen, order, groups, key });
  try {
    await conversation.begin();
    isBusy = false;
    await work();
    await ended;
  } finally {
    screen.close();
  }
  return conversation.quit ?? {};
}

/** `tea>`, and before it what the writer should know: who is reached while the tracker is not, and what is unread. */
export function promptText(messenger: Messenger, current: string | undefined, { colours }: TableOptions): string {
  const states = messenger.groups();
  const state = states.find(({ group }) => group === current);
  const notes: string[] = [];
  if (messenger.tracker.state === 'lost')
    notes.push(`tracker lost, peers ${state?.reached ?? 0}/${state?.others ?? 0}`);
  if (state?.status === 'blocked') notes.push('blocked');
  const unread = states.filter((one) => one.group !== current && one.unread > 0);
  if (unread.length > 0) notes.push(unread.map((one) => `${one.group} ${one.unread}`).join(', '));
  const note = notes.length === 0 ? '' : colours.yellow(`[${notes.join('; ')}] `);
  return `${note}${colours.bold(current ?? messenger.nick)}> `;
}

/** Commands after `!` or `/`, else nicks and groups. */
export function complete(messenger: Messenger, current: string | undefined, line: string): [string[], string] {
  const word = line.slice(line.lastIndexOf(' ') + 1);
  if (word === line && /^[!/]/.test(line)) {
    const words = Object.keys(commandTable).map((name) => `${line.charAt(0)}${name} `);
    return [words.filter((one) => one.startsWith(line)), line];
  }
  const states = messenger.groups();
  const nicks = states.find(({ group }) => group === current)?.members ?? [];
  const names = [...nicks, ...states.map(({ group }) => group)];
  return [names.filter((one) => word !== '' && one.startsWith(word)), word];
}

/** @throws GrpError CLI_IO */
export async function writeMetrics(file: string, metrics: MessengerMetrics): Promise<void> {
  try {
    await writeFile(file, `${jsonText({ schema: 'grp.messenger.metrics/1', ...metrics })}\n`);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw cliError('CLI_IO', { context: { what: `The metrics cannot be written to ${file}: ${reason}.` }, cause });
  }
}
