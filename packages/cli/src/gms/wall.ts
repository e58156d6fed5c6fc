import { sanitizeText } from '@grp/core';
import type { Colours } from '../output/colours.ts';
import { swatch, type ColourDepth } from './swatch.ts';

/** One node's worker, as far as the wall knows. */
export interface WallWorker {
  readonly id: string;
  /** `joined`, `blocked` …, or `gone` while the node does not answer. */
  status: string;
  view: number | null;
  leads: boolean;
  sequence: number;
  colour: string;
}

export interface WallState {
  readonly workers: readonly WallWorker[];
  /** Undefined as long as there is nothing to compare. */
  readonly equal: boolean | undefined;
  /** The first sequence at which two workers showed different colours. */
  readonly divergedAt: number | undefined;
}

const historyMax = 4_096;

/**
 * What the wall of colours shows: every worker's colour after every message. Two workers are equal when they showed the
 * same colour after the same message, however far each of them is.
 */
export class Wall {
  readonly #workers: WallWorker[];
  /** Sequence → the colour that was seen first, and which strip shows it. */
  readonly #agreed = new Map<number, string>();
  /** Worker → its own last colours by sequence. */
  readonly #strips = new Map<string, Map<number, string>>();
  #compared = false;
  #divergedAt: number | undefined;

  constructor(ids: readonly string[]) {
    this.#workers = ids.map((id) => ({ id, status: 'gone', view: null, leads: false, sequence: 0, colour: '#000000' }));
    for (const id of ids) this.#strips.set(id, new Map());
  }

  get state(): WallState {
    const { workers, divergedAt } = { workers: this.#workers, divergedAt: this.#divergedAt };
    return { workers, divergedAt, equal: divergedAt !== undefined ? false : this.#compared ? true : undefined };
  }

  /** A worker after a message, or as it was found. */
  show(id: string, sequence: number, colour: string): void {
    const worker = this.#workers.find((candidate) => candidate.id === id);
    if (worker === undefined) return;
    Object.assign(worker, { sequence, colour });
    remember(this.#strips.get(id) as Map<number, string>, sequence, colour);
    const seen = this.#agreed.get(sequence);
    if (seen === undefined) remember(this.#agreed, sequence, colour);
    else if (seen === colour) this.#compared = true;
    else this.#divergedAt = Math.min(this.#divergedAt ?? Infinity, sequence);
  }

  update(id: string, change: Partial<Pick<WallWorker, 'status' | 'view' | 'leads'>>): void {
    const worker = this.#workers.find((candidate) => candidate.id === id);
    if (worker !== undefined) Object.assign(worker, change);
  }

  /** The colours of one worker from `from` on, undefined where it showed none. */
  strip(id: string, from: number, length: number): readonly (string | undefined)[] {
    const colours = this.#strips.get(id);
    return Array.from({ length }, (_, offset) => colours?.get(from + offset));
  }
}

function remember(colours: Map<number, string>, sequence: number, colour: string): void {
  colours.set(sequence, colour);
  if (colours.size > historyMax) colours.delete(colours.keys().next().value as number);
}

export interface DrawOptions {
  readonly colours: Colours;
  readonly depth: ColourDepth;
  readonly width: number;
  /** The worker that keys act on. */
  readonly selected: string | undefined;
  readonly help: string | undefined;
}

const nameWidth = 12;
const blockWidth = 6;
/** Marker, name, status, view and sequence columns, and the gaps between them. */
const textWidth = 2 + nameWidth + 1 + 9 + 1 + 6 + 1 + 8 + 1;

/** The wall as text: a line per worker, its colour large, its last colours as a strip, and the lamp below. */
export function drawWall(wall: Wall, options: DrawOptions): string {
  const { colours, depth, width, selected, help } = options;
  const { workers, equal, divergedAt } = wall.state;
  const cell = depth >= 8 ? 1 : 2;
  const room = Math.max(0, Math.floor((width - textWidth - blockWidth - 2) / (cell === 1 ? 1 : 3)));
  const newest = Math.max(...workers.map(({ sequence }) => sequence));
  const from = Math.max(1, newest - room + 1);
  const lines = workers.map((worker) => {
    const mark = `${worker.id === selected ? '›' : ' '}${worker.leads ? '★' : ' '}`;
    const name = sanitizeText(worker.id, { lengthMax: nameWidth }).padEnd(nameWidth);
    const status = worker.status.padEnd(9);
    const view = (worker.view === null ? '–' : `v${worker.view}`).padStart(6);
    const text = `${mark}${name} ${paint(status, worker.status, colours)} ${view} ${String(worker.sequence).padStart(8)} `;
    const strip = wall
      .strip(worker.id, from, room)
      .map((colour) => (colour === undefined ? ' '.repeat(cell) : swatch(colour, cell, depth)))
      .join(cell === 1 ? '' : ' ');
    return `${text}${swatch(worker.colour, blockWidth, depth)}  ${strip}`;
  });
  const title = `  ${'WORKER'.padEnd(nameWidth)} ${'STATUS'.padEnd(9)} ${'VIEW'.padStart(6)} ${'SEQUENCE'.padStart(8)} COLOUR  LAST COLOURS`;
  return [
    colours.dim(title),
    ...lines,
    '',
    lamp(equal, divergedAt, colours),
    ...(help === undefined ? [] : [colours.dim(help)]),
  ].join('\n');
}

function lamp(equal: boolean | undefined, divergedAt: number | undefined, colours: Colours): string {
  if (equal === undefined) return colours.dim('○ nothing to compare yet');
  if (equal) return colours.green('● all equal: the same colour after every message');
  return colours.red(`● DIVERGED: different colours after message ${divergedAt}`);
}

function paint(text: string, status: string, colours: Colours): string {
  if (status === 'joined') return colours.green(text);
  return status === 'gone' ? colours.red(text) : colours.yellow(text);
}
