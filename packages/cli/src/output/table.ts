import { createRequire } from 'node:module';
import { stripVTControlCharacters } from 'node:util';
import { sanitizeText } from '@grp/core';
import type CliTable from 'cli-table3';
import type { Colours } from './colours.ts';

export interface Column<Row> {
  readonly title: string;
  /** Plain text: it is made safe to print here. */
  readonly text: (row: Row) => string;
  /** Colours the finished cell. */
  readonly paint?: (cell: string, row: Row) => string;
  readonly align?: 'left' | 'right';
}

export interface TableOptions {
  readonly colours: Colours;
  /** Cells are cut so that lines fit; undefined cuts nothing, for pipes. */
  readonly width: number | undefined;
}

const none = '';
const bare = {
  top: none,
  'top-mid': none,
  'top-left': none,
  'top-right': none,
  bottom: none,
  'bottom-mid': none,
  'bottom-left': none,
  'bottom-right': none,
  left: none,
  'left-mid': none,
  mid: none,
  'mid-mid': none,
  right: none,
  'right-mid': none,
  middle: '  ',
};
const gap = 2;
const cellMin = 6;

/** Rows under titles, without lines around them; wide columns give way first when the terminal is narrow. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { colours, width }: TableOptions,
): string {
  // Loaded here: most commands print no table.
  const Table = createRequire(import.meta.url)('cli-table3') as typeof CliTable;
  const cells = rows.map((row) => columns.map((column) => sanitizeText(column.text(row), { lengthMax: 1_000 })));
  const natural = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((line) => (line[index] ?? '').length)),
  );
  const widths = width === undefined ? natural : fit(natural, width);
  const drawn = new Table({
    chars: bare,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    // Left out when everything fits: the table knows better how wide letters of all scripts are.
    colWidths: widths === natural ? [] : [...widths],
    colAligns: columns.map(({ align }) => align ?? 'left'),
    head: columns.map(({ title }) => colours.dim(title)),
  });
  for (const [index, row] of rows.entries()) {
    drawn.push(
      columns.map(({ paint }, column) => {
        const cell = cells[index]?.[column] ?? '';
        return paint === undefined ? cell : paint(cell, row);
      }),
    );
  }
  return drawn
    .toString()
    .split('\n')
    .map((line) => trimEnd(line))
    .join('\n');
}

/** The width for tables on a stream: the terminal's, or undefined for a pipe or file. */
export function tableWidth(stream: { readonly isTTY?: boolean; readonly columns?: number }): number | undefined {
  return stream.isTTY === true ? Math.max(40, stream.columns ?? 80) : undefined;
}

/** Takes from the widest column, again and again, until the line fits or nothing is left to take. */
function fit(natural: readonly number[], width: number): readonly number[] {
  const room = width - gap * (natural.length - 1);
  let excess = natural.reduce((sum, one) => sum + one, 0) - room;
  if (excess <= 0) return natural;
  const widths = [...natural];
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= cellMin) break;
    widths[widths.indexOf(widest)] = widest - 1;
    excess--;
  }
  return widths;
}

/** Without colours nothing may trail; with them the padding sits before the last escape, and is harmless. */
function trimEnd(line: string): string {
  return stripVTControlCharacters(line) === line ? line.trimEnd() : line;
}
