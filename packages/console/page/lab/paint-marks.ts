import { firstFrom, type Diagram, type Point } from '../../src/lab/diagram.ts';
import { endOf, xAt } from '../../src/lab/viewport.ts';
import { cross, font, footRoom, laneY, type Scene } from './scene.ts';

const pointsMax = 3_000;
// So few have room for words, however far away they are.
const sparseMax = 150;
const shownFor = new WeakMap<Diagram, { readonly hidden: ReadonlySet<string>; readonly points: readonly Point[] }>();

/** What happens, without the arrivals of kinds that are not shown; looked through once for each choice. */
function shownPoints({ diagram, hidden }: Scene): readonly Point[] {
  const known = shownFor.get(diagram);
  if (known?.hidden === hidden) return known.points;
  const points = diagram.points.filter(({ message = '' }) => !hidden.has(message));
  shownFor.set(diagram, { hidden, points });
  return points;
}

/** Draws what happens in single lanes, and in the world. */
export function paintPoints(context: CanvasRenderingContext2D, scene: Scene): void {
  const { view } = scene;
  const points = shownPoints(scene);
  const begin = firstFrom(points, view.from - 8 / view.pxPerMs, ({ at }) => at);
  const end = firstFrom(points, endOf(view) + 8 / view.pxPerMs, ({ at }) => at);
  const stride = Math.max(1, Math.ceil((end - begin) / pointsMax));
  const lastWord = new Map<number, number>();
  const isSparse = end - begin <= sparseMax;
  for (let index = begin; index < end; index++) {
    const point = points[index] as Point;
    const isRare = point.kind !== 'receive' && point.kind !== 'deliver' && point.kind !== 'send';
    if (!isRare && index % stride !== 0) continue;
    const x = xAt(view, point.at);
    if (point.lane < 0) worldMark(context, scene, { point, x, y: 30, lastWord, isSparse });
    else pointMark(context, scene, { point, x, y: laneY(scene, point.lane), lastWord, isSparse });
  }
}

function worldMark(
  context: CanvasRenderingContext2D,
  { height, colourOf }: Scene,
  { point: { label }, x, y, lastWord }: PlacedPoint,
): void {
  context.strokeStyle = colourOf('--amber');
  context.lineWidth = 1.2;
  context.setLineDash([3, 4]);
  context.beginPath();
  context.moveTo(x, 22);
  context.lineTo(x, height - footRoom);
  context.stroke();
  context.setLineDash([]);
  context.font = font(11);
  const until = x + 4 + context.measureText(label).width;
  // Two rows of words; what fits into neither is told by the list.
  const row = [-1, -2].find((one) => (lastWord.get(one) ?? -Infinity) < x);
  if (row === undefined) return;
  lastWord.set(row, until);
  context.fillStyle = colourOf('--amber');
  context.textAlign = 'left';
  context.fillText(label, x + 4, row === -1 ? y : y + 13);
}

interface PlacedPoint {
  readonly point: Point;
  readonly x: number;
  readonly y: number;
  /** Lane → where its last words ended, so that words do not run into each other. */
  readonly lastWord: Map<number, number>;
  readonly isSparse: boolean;
}

function pointMark(
  context: CanvasRenderingContext2D,
  { colourOf, view }: Scene,
  { point, x, y, lastWord, isSparse }: PlacedPoint,
): void {
  const { kind, lane, label, colour } = point;
  context.lineWidth = 1.6;
  if (kind === 'deliver' || kind === 'state') {
    context.fillStyle = colour ?? colourOf('--blue');
    context.strokeStyle = colourOf('--ink');
    context.beginPath();
    context.rect(x - 5.5, y - 5.5, 11, 11);
    context.fill();
    context.stroke();
  } else if (kind === 'receive' || kind === 'send') {
    context.fillStyle = colourOf('--panel');
    context.strokeStyle = colourOf(kind === 'send' ? '--pink' : '--soft');
    context.beginPath();
    context.arc(x, y, kind === 'send' ? 4.6 : 3, 0, Math.PI * 2);
    context.fill();
    context.stroke();
  } else if (kind === 'crash') {
    context.strokeStyle = colourOf('--red');
    context.lineWidth = 3.4;
    context.beginPath();
    cross(context, x, y, 7.5);
    context.stroke();
  } else if (kind === 'suspect' || kind === 'trouble' || kind === 'role') {
    context.fillStyle = colourOf('--amber');
    context.beginPath();
    context.moveTo(x, y - 6);
    context.lineTo(x + 6, y);
    context.lineTo(x, y + 6);
    context.lineTo(x - 6, y);
    context.fill();
  }
  if (
    (view.pxPerMs < 1.1 && !isSparse) ||
    kind === 'receive' ||
    kind === 'view' ||
    (kind === 'send' && view.pxPerMs < 3)
  )
    return;
  context.font = font(10.5);
  const words = kind === 'crash' ? '' : kind === 'send' ? `asks ${label}` : label;
  const width = context.measureText(words).width;
  if (words === '' || x - width / 2 < (lastWord.get(lane) ?? -Infinity) + 6) return;
  lastWord.set(lane, x + width / 2);
  context.textAlign = 'center';
  context.lineWidth = 3;
  context.strokeStyle = colourOf('--panel');
  const below = kind === 'send' ? -11 : 20;
  context.strokeText(words, x, y + below);
  context.fillStyle = colourOf(kind === 'suspect' || kind === 'trouble' ? '--amber' : '--soft');
  context.fillText(words, x, y + below);
}
