import type { SpaceTimeEvent } from './events.ts';
import { chooseRows, spaceTimeRows, type ArrowRow, type MarkRow, type RowOptions, type SpaceTimeRow } from './rows.ts';

/** What a piece of a line is, for whoever colours it. */
export type Tone = 'plain' | 'faint' | 'arrow' | 'lost' | 'deliver' | 'view' | 'crash' | 'suspect' | 'key';

/** A line in pieces, from left to right. */
export type ToneLine = readonly { readonly text: string; readonly tone: Tone }[];

/** How a space-time diagram is drawn as text. */
export interface DrawOptions extends RowOptions {
  /** Columns (default 80, at least 40). */
  readonly width?: number;
  /** False: ASCII alone (default true). */
  readonly unicode?: boolean;
  /** Rows at most (default 60); the ones around what matters stay. */
  readonly rowsMax?: number;
}

const clockWidth = 9;
const laneMax = 16;

const fancy = {
  axis: '│',
  from: '●',
  line: '─',
  right: '▶',
  left: '◀',
  lost: '✕',
  gap: '⋮',
  send: '○',
  deliver: '■',
  view: '▣',
  state: '▽',
  crash: '✖',
  suspect: '?',
  trouble: '~',
  arrival: '·',
};
const plain: typeof fancy = {
  axis: '|',
  from: '*',
  line: '-',
  right: '>',
  left: '<',
  lost: 'x',
  gap: ':',
  send: 'o',
  deliver: '#',
  view: '=',
  state: 'v',
  crash: 'X',
  suspect: '?',
  trouble: '~',
  arrival: '.',
};

/** What each sign means, for people. */
export function spaceTimeLegend(unicode = true): string {
  const { send, from, line, right, lost, deliver, arrival, view, crash, suspect } = unicode ? fancy : plain;
  return [
    `${send} asks for a change (?x on its way to the leader)`,
    `${from}${line}x${line}${right} sends x to each arrowhead`,
    `${lost} lost`,
    `${deliver} delivers`,
    `${arrival} arrives, without effect yet`,
    `${view} new view`,
    `${crash} crash`,
    `${suspect} detector speaks`,
  ].join(' · ');
}

/** Draws a space-time diagram: a lane for each process, time downwards (not to scale), messages as arrows. */
export function drawSpaceTime(
  events: readonly SpaceTimeEvent[],
  lanes: readonly string[],
  options: DrawOptions = {},
): readonly ToneLine[] {
  const { unicode = true, rowsMax = 60 } = options;
  const width = Math.max(40, options.width ?? 80);
  const laneWidth = Math.max(4, Math.min(laneMax, Math.floor((width - clockWidth) / Math.max(1, lanes.length))));
  const page = new Page(lanes, laneWidth, unicode ? fancy : plain);
  const lines = [page.title()];
  for (const row of chooseRows(spaceTimeRows(events, options), rowsMax)) lines.push(page.row(row));
  return lines;
}

class Page {
  readonly #lanes: readonly string[];
  readonly #laneWidth: number;
  readonly #signs: typeof fancy;
  readonly #ended = new Set<string>();
  readonly #begun = new Set<string>();

  constructor(lanes: readonly string[], laneWidth: number, signs: typeof fancy) {
    this.#lanes = lanes;
    this.#laneWidth = laneWidth;
    this.#signs = signs;
  }

  title(): ToneLine {
    const line = new Line();
    line.put(0, 'ms'.padStart(clockWidth - 2), 'faint');
    for (const lane of this.#lanes) line.put(this.#column(lane), lane.slice(0, this.#laneWidth - 1), 'plain');
    return line.pieces();
  }

  row(row: SpaceTimeRow | number): ToneLine {
    const line = new Line();
    for (const lane of this.#lanes)
      if (this.#begun.has(lane) && !this.#ended.has(lane)) line.put(this.#column(lane), this.#signs.axis, 'faint');
    if (typeof row === 'number') {
      line.put(0, this.#signs.gap.padStart(clockWidth - 2), 'faint');
      line.put(this.#column(this.#lanes.at(-1) ?? '') + 3, `${row} more row${row === 1 ? '' : 's'}`, 'faint');
      return line.pieces();
    }
    line.put(0, row.at.toFixed(1).padStart(clockWidth - 2), 'faint');
    if (row.type === 'arrow') this.#arrow(line, row);
    else this.#marks(line, row);
    return line.pieces();
  }

  #arrow(line: Line, { lane, label, targets }: ArrowRow): void {
    const signs = this.#signs;
    const source = this.#column(lane);
    const columns = targets.map((target) => this.#column(target.lane));
    const [first, last] = [Math.min(source, ...columns), Math.max(source, ...columns)];
    line.put(first, signs.line.repeat(last - first), 'arrow');
    const room = last > source ? last - source : source - first;
    const text = label.slice(0, Math.max(0, room - 3));
    line.put(last > source ? source + 2 : source - 1 - text.length, text, 'arrow');
    line.put(source, signs.from, 'arrow');
    for (const { lane: to, isLost } of targets) {
      const column = this.#column(to);
      const head = column > source ? signs.right : signs.left;
      line.put(column, isLost ? signs.lost : head, isLost ? 'lost' : 'arrow');
    }
  }

  #marks(line: Line, { marks, isKey }: MarkRow): void {
    for (const mark of marks) {
      const sign = this.#signs[mark.type === 'mark' ? mark.mark : 'arrival'];
      if (mark.lane === '') {
        line.put(clockWidth, `${this.#signs.line.repeat(2)} ${mark.label} `, 'suspect');
        continue;
      }
      this.#begun.add(mark.lane);
      const tone = toneOf(mark, isKey);
      const label = mark.type === 'arrival' ? `(${mark.label})` : mark.label;
      line.put(this.#column(mark.lane), `${sign} ${label}`.slice(0, this.#laneWidth - 1), tone);
      if (mark.type === 'mark' && mark.mark === 'crash') this.#ended.add(mark.lane);
    }
  }

  #column(lane: string): number {
    return clockWidth + Math.max(0, this.#lanes.indexOf(lane)) * this.#laneWidth;
  }
}

function toneOf(mark: MarkRow['marks'][number], isKey: boolean): Tone {
  if (mark.type === 'arrival') return 'faint';
  switch (mark.mark) {
    case 'deliver':
      return isKey ? 'key' : 'deliver';
    case 'crash':
      return 'crash';
    case 'suspect':
    case 'trouble':
      return 'suspect';
    case 'view':
    case 'state':
      return 'view';
    default:
      return 'plain';
  }
}

/** Text that is written over. */
class Line {
  readonly #letters: string[] = [];
  readonly #tones: Tone[] = [];

  put(column: number, text: string, tone: Tone): void {
    while (this.#letters.length < column) {
      this.#letters.push(' ');
      this.#tones.push('plain');
    }
    for (const [index, letter] of Array.from(text).entries()) {
      this.#letters[column + index] = letter;
      this.#tones[column + index] = tone;
    }
  }

  pieces(): ToneLine {
    const pieces: { text: string; tone: Tone }[] = [];
    for (const [index, letter] of this.#letters.entries()) {
      const tone = this.#tones[index] ?? 'plain';
      const last = pieces.at(-1);
      if (last?.tone === tone) last.text += letter;
      else pieces.push({ text: letter, tone });
    }
    return pieces;
  }
}
