import { createInterface, cursorTo, clearScreenDown, moveCursor, type Interface } from 'node:readline';
import type { TableOptions } from '../output/table.ts';
import type { Screen } from './output.ts';
import { outputText } from './text.ts';

/** What is written at once; more often a prompt need not change. */
const redrawMs = 30;
const historySize = 200;

export interface TerminalScreenOptions {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  readonly text: TableOptions;
  readonly prompt: () => string;
  readonly complete: (line: string) => [string[], string];
  readonly onLine: (line: string) => void;
  /** Ctrl-C on an empty line, or Ctrl-D. */
  readonly onEnd: () => void;
}

export interface TerminalScreen extends Screen {
  close(): void;
}

/**
 * A terminal with a line editor. What comes in is written above the line that is being typed, which is drawn again as it
 * was, the cursor where it was; many messages at once are one drawing.
 */
export function terminalScreen(options: TerminalScreenOptions): TerminalScreen {
  const { input, output, text, prompt, onLine, onEnd } = options;
  const editor = createInterface({
    ...{ input, output, terminal: true, historySize, prompt: prompt(), completer: options.complete },
  });
  let waiting = '';
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const draw = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (isClosed) return;
    editor.setPrompt(prompt());
    erase(editor, output);
    output.write(waiting);
    waiting = '';
    editor.prompt(true);
  };
  const drawSoon = (): void => {
    if (!isClosed) timer ??= setTimeout(draw, redrawMs);
  };

  editor.on('line', (line) => {
    onLine(line);
    drawSoon();
  });
  editor.on('SIGINT', () => {
    if (editor.line === '') onEnd();
    else {
      editor.write(null, { ctrl: true, name: 'e' });
      editor.write(null, { ctrl: true, name: 'u' }); // as a shell does: the line is given up
    }
  });
  editor.on('close', () => {
    if (!isClosed) onEnd();
  });
  editor.prompt();
  return {
    show(shown) {
      waiting += `${outputText(shown, text)}\n`;
      drawSoon();
    },
    refresh: drawSoon,
    close() {
      if (isClosed) return;
      clearTimeout(timer);
      erase(editor, output);
      output.write(waiting);
      isClosed = true;
      editor.close();
    },
  };
}

/** Takes prompt and line off the screen, however many rows they have. */
function erase(editor: Interface, output: NodeJS.WritableStream): void {
  const { rows } = editor.getCursorPos();
  if (rows > 0) moveCursor(output, 0, -rows);
  cursorTo(output, 0);
  clearScreenDown(output);
  // readline would go up once more by the rows of what is not there any longer.
  (editor as { prevRows?: number }).prevRows = 0;
}
