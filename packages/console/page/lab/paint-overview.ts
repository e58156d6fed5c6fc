import type { Diagram } from '../../src/lab/diagram.ts';
import { endOf } from '../../src/lab/viewport.ts';
import { gutter, type Scene } from './scene.ts';

/** Draws the whole run in small, below. */
export function paintOverview(context: CanvasRenderingContext2D, scene: Scene): void {
  const { diagram, view, height, colourOf, at, alarms, endsAt, hidesFuture = false } = scene;
  const [top, depth] = [height - 30, 22];
  const x = (time: number): number => gutter + (time / Math.max(1, endsAt)) * (view.width - 8);
  const shown = hidesFuture ? at : Infinity;
  context.fillStyle = colourOf('--raised');
  context.fillRect(gutter, top, view.width - 8, depth);
  const columns = densityOf(diagram, endsAt, Math.max(1, Math.floor((view.width - 8) / 3)));
  const most = Math.max(1, ...columns);
  context.fillStyle = colourOf('--faint');
  for (const [index, count] of columns.entries()) {
    if (gutter + index * 3 > x(shown)) break;
    const tall = count === 0 ? 0 : 2 + (depth - 4) * Math.sqrt(count / most);
    context.fillRect(gutter + index * 3, top + depth - tall, 2, tall);
  }
  context.fillStyle = colourOf('--red');
  for (const alarm of alarms) if (alarm <= shown) context.fillRect(x(alarm) - 1, top - 3, 3, depth + 6);
  context.strokeStyle = colourOf('--blue');
  context.lineWidth = 2;
  const left = Math.max(gutter, x(view.from));
  context.strokeRect(left, top - 1, Math.min(gutter + view.width - 8, x(endOf(view))) - left, depth + 2);
  context.fillStyle = colourOf('--ink');
  context.fillRect(x(at) - 1, top - 4, 2, depth + 8);
}

const densities = new WeakMap<
  Diagram,
  { readonly count: number; readonly endsAt: number; readonly columns: readonly number[] }
>();

/** How much happens in each of so many stretches of a run. */
function densityOf(diagram: Diagram, endsAt: number, count: number): readonly number[] {
  const known = densities.get(diagram);
  if (known?.count === count && known.endsAt === endsAt) return known.columns;
  const columns = Array.from({ length: count }, () => 0);
  for (const { sentAt } of diagram.messages) {
    const index = Math.min(count - 1, Math.max(0, Math.floor((sentAt / Math.max(1, endsAt)) * count)));
    columns[index] = (columns[index] as number) + 1;
  }
  densities.set(diagram, { count, endsAt, columns });
  return columns;
}

/** The time under a point of the overview; undefined elsewhere. */
export function overviewTime({ endsAt, view, height }: Scene, x: number, y: number): number | undefined {
  if (y < height - 34 || x < gutter) return undefined;
  return Math.min(1, (x - gutter) / (view.width - 8)) * endsAt;
}
