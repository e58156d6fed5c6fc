import { sanitizeText, type LogFields, type Logger, type LogLevel } from '@grp/core';
import { pino, stdTimeFunctions, type DestinationStream } from 'pino';
import { prettyFactory } from 'pino-pretty';

/** How a log is written, where to, and how much of it. */
export interface LoggerOptions {
  /** One line for people, or one JSON object per line (default `pretty`). */
  readonly format?: 'pretty' | 'json' | undefined;
  /** Less important lines are left out (default `info`). */
  readonly level?: LogLevel | 'silent' | undefined;
  /** Where lines go (default: the process's stderr, written at once so that the last words of a crash are kept). */
  readonly stream?: DestinationStream | undefined;
  /** Colours in `pretty` lines (default: when stderr is a terminal, no stream is given, and NO_COLOR is unset). */
  readonly color?: boolean | undefined;
  /** Fields in every line, for instance the node's name. */
  readonly fields?: LogFields | undefined;
}

/**
 * A `Logger` on pino. In `pretty` lines every text is made safe to print: names and payloads come from peers. In JSON
 * the encoding escapes control characters, and whoever prints a field sanitises it.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { format = 'pretty', level = 'info', fields = {} } = options;
  const stream = options.stream ?? stderr();
  const log = pino(
    {
      level,
      base: { ...fields },
      messageKey: 'event',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'json' ? stream : prettyStream(stream, options),
  );
  return {
    log(lineLevel, event, lineFields) {
      log[lineLevel](lineFields ?? {}, event);
    },
  };
}

function stderr(): DestinationStream {
  // A closed stderr (`2>&1 | head`) must not bring the node down: what nobody reads is dropped.
  const destination = pino.destination({ dest: 2, sync: true });
  destination.on('error', () => {});
  return destination;
}

function prettyStream(stream: DestinationStream, options: LoggerOptions): DestinationStream {
  const terminal = options.stream === undefined && process.stderr.isTTY && process.env['NO_COLOR'] === undefined;
  const pretty = prettyFactory({
    colorize: options.color ?? terminal,
    messageKey: 'event',
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return {
    write(text) {
      const line = JSON.parse(text) as Record<string, unknown>;
      // The fields become part of the message here: pino-pretty would show some names (name, pid, err) in its own way,
      // and none of them sanitised.
      stream.write(pretty({ level: line['level'], time: line['time'], event: plainLine(line) }));
    },
  };
}

const ownKeys: ReadonlySet<string> = new Set(['level', 'time', 'event']);

function plainLine(line: Record<string, unknown>): string {
  const fields = Object.entries(line).filter(([key]) => !ownKeys.has(key));
  return [sanitizeText(String(line['event'])), ...fields.map(([key, value]) => `${key}=${shown(value)}`)].join(' ');
}

function shown(value: unknown): string {
  const text = sanitizeText(typeof value === 'string' ? value : JSON.stringify(value), { lengthMax: 1_024 });
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}
