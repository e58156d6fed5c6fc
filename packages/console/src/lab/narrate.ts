import type { Diagram, MessageLine, Point } from './diagram.ts';

/** One line of the text that says what the diagram shows. */
export interface Line {
  readonly at: number;
  readonly words: string;
  readonly tone: 'plain' | 'good' | 'warn' | 'bad';
}

/** The run in words, in order of time, without some kinds of messages: for whoever does not see the diagram. */
export function narrate(
  { lanes, messages, points }: Diagram,
  hidden: ReadonlySet<string> = new Set(),
): readonly Line[] {
  const name = (lane: number): string => lanes[lane] ?? '?';
  const shown = messages.filter(({ kind }) => !hidden.has(kind));
  const happened = points.filter(({ message = '' }) => !hidden.has(message));
  const sent = shown.map((message) => ({ at: message.sentAt, ...sentWords(message, name) }));
  const seen = happened.map((point) => ({ at: point.at, ...pointWords(point, name) }));
  return [...sent, ...seen].toSorted((a, b) => a.at - b.at);
}

function sentWords(
  { from, to, kind, label, isLost, isRepeat }: MessageLine,
  name: (lane: number) => string,
): Omit<Line, 'at'> {
  const what = label.startsWith(kind) ? label : `${kind} ${label}`;
  const again = isRepeat ? ' once more' : '';
  const words = `${name(from)} sends ${what} to ${name(to)}${again}${isLost ? ', and it is lost' : ''}`;
  return { words, tone: isLost ? 'bad' : isRepeat ? 'warn' : 'plain' };
}

function pointWords({ lane, kind, label, colour }: Point, name: (lane: number) => string): Omit<Line, 'at'> {
  const who = name(lane);
  switch (kind) {
    case 'receive':
      return { words: `${who} receives ${label}`, tone: 'plain' };
    case 'send':
      return { words: `${who} asks for ${label}`, tone: 'plain' };
    case 'deliver':
      return { words: `${who} delivers ${label}${colour === undefined ? '' : ` and shows ${colour}`}`, tone: 'good' };
    case 'view':
      return { words: label.startsWith('view') ? `${who} installs ${label}` : `${who} is now ${label}`, tone: 'good' };
    case 'state':
      return {
        words: label.startsWith('state') ? `${who} takes over the others' ${label}` : `${who}: ${label}`,
        tone: 'good',
      };
    case 'crash':
      return { words: `${who} crashes`, tone: 'bad' };
    case 'suspect':
      return { words: `the detector of ${who} says: ${label}`, tone: 'warn' };
    default:
      return { words: lane < 0 ? label : `${who}: ${label}`, tone: 'warn' };
  }
}
