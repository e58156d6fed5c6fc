import type { IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import { isRecord } from '../errors.ts';

/** One event of a node; `noun` says whose it is, `type` what happened. */
export interface NodeEvent {
  readonly schema: string;
  readonly at: string;
  readonly noun: string;
  readonly type: string;
  readonly member?: {
    readonly id: string;
    readonly name: string;
    readonly status: string;
    readonly incarnation: number;
  };
  readonly [field: string]: unknown;
}

const lineBytesMax = 1_048_576;

/** The events of an open stream, until `signal` or its end. A line that is no event is passed over. */
export async function* readEvents(answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<NodeEvent, void, void> {
  const ready: NodeEvent[] = [];
  const parser = createParser({
    maxBufferSize: lineBytesMax,
    onEvent({ data }) {
      const event = readEvent(data);
      if (event !== undefined) ready.push(event);
    },
  });
  answer.setEncoding('utf8');
  try {
    for await (const chunk of answer) {
      parser.feed(chunk as string);
      yield* ready.splice(0);
    }
  } catch (cause) {
    // A node that stops ends its streams; whether that is trouble is for the caller to say.
    if (!signal.aborted && (cause as NodeJS.ErrnoException).code !== 'ECONNRESET') throw cause;
  }
}

function readEvent(text: string): NodeEvent | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && typeof value['noun'] === 'string' && typeof value['type'] === 'string'
      ? (value as NodeEvent)
      : undefined;
  } catch {
    return undefined;
  }
}
