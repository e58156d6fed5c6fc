import type { Band } from '../../src/lab/diagram.ts';
import { endOf, xAt } from '../../src/lab/viewport.ts';
import { paintPoints } from './paint-marks.ts';
import { paintMessages } from './paint-messages.ts';
import { paintOverview } from './paint-overview.ts';
import { cross, crown, family, font, footRoom, gutter, laneGap, laneY, type Scene } from './scene.ts';

/** Draws one picture: bands, lanes, what is held back, messages, marks, the cursor, and the overview below. */
export function paint(context: CanvasRenderingContext2D, scene: Scene): void {
  const { view, height, colourOf } = scene;
  context.fillStyle = colourOf('--panel');
  context.fillRect(0, 0, view.width + gutter, height);
  context.save();
  context.beginPath();
  context.rect(gutter, 0, view.width, height);
  context.clip();
  context.translate(gutter, 0);
  paintGrid(context, scene);
  paintBands(context, scene);
  paintLanes(context, scene);
  paintCone(context, scene);
  paintHeld(context, scene);
  paintMessages(context, scene);
  paintPoints(context, scene);
  paintCursor(context, scene);
  context.restore();
  paintNames(context, scene);
  paintOverview(context, scene);
}

function paintGrid(context: CanvasRenderingContext2D, { view, height, colourOf, clock }: Scene): void {
  const step = niceStep(90 / view.pxPerMs);
  context.strokeStyle = colourOf('--line');
  context.fillStyle = colourOf('--faint');
  context.lineWidth = 1;
  context.font = font(11);
  context.textAlign = 'center';
  context.beginPath();
  for (let at = Math.max(0, Math.ceil(view.from / step) * step); at <= endOf(view); at += step) {
    const x = Math.round(xAt(view, at)) + 0.5;
    context.moveTo(x, 20);
    context.lineTo(x, height - footRoom);
    context.fillText(clock(at), x, 14);
  }
  context.globalAlpha = 0.55;
  context.stroke();
  context.globalAlpha = 1;
}

const bandTokens = ['--blue', '--violet', '--teal', '--pink', '--green', '--amber'];

function paintBands(context: CanvasRenderingContext2D, scene: Scene): void {
  const { diagram, view, colourOf } = scene;
  const depth = Math.min(30, laneGap(scene) * 0.4);
  context.font = font(11);
  context.textAlign = 'left';
  for (const band of diagram.bands) {
    if (band.until < view.from || band.from > endOf(view)) continue;
    const x = xAt(view, band.from);
    const width = xAt(view, band.until) - x;
    const y = laneY(scene, band.lane) - depth / 2;
    const ink = colourOf(bandTokens[band.number % bandTokens.length] as string);
    context.globalAlpha = band.leads ? 0.3 : 0.13;
    context.fillStyle = ink;
    context.fillRect(x, y, width, depth);
    context.globalAlpha = 1;
    context.fillRect(x, y, 2, depth);
    bandWords(context, { band, x: Math.max(x, 0), right: x + width, y: y - 4, ink });
  }
}

function bandWords(
  context: CanvasRenderingContext2D,
  { band, x, right, y, ink }: { band: Band; x: number; right: number; y: number; ink: string },
): void {
  const words = `${band.word} ${band.number}`;
  const width = context.measureText(words).width;
  if (right - x < width + 8) return;
  context.fillStyle = ink;
  context.fillText(words, x + 5, y);
  if (band.leads && right - x > width + 26) crown(context, x + width + 11, y - 9, 11);
}

function paintLanes(context: CanvasRenderingContext2D, scene: Scene): void {
  const { diagram, view, colourOf } = scene;
  context.lineWidth = 1.6;
  context.strokeStyle = colourOf('--faint');
  context.beginPath();
  for (const { lane, from, until } of diagram.lives) {
    if (until < view.from || from > endOf(view)) continue;
    const y = Math.round(laneY(scene, lane)) + 0.5;
    context.moveTo(Math.max(-2, xAt(view, from)), y);
    context.lineTo(Math.min(view.width + 2, xAt(view, until)), y);
  }
  context.stroke();
}

function paintCone(context: CanvasRenderingContext2D, scene: Scene): void {
  const { diagram, view, cone, colourOf } = scene;
  if (cone === undefined) return;
  const stretch = (lane: number, from: number, until: number, ink: string): void => {
    const y = laneY(scene, lane);
    context.fillStyle = colourOf(ink);
    for (const life of diagram.lives) {
      const [begin, end] = [Math.max(from, life.from), Math.min(until, life.until)];
      if (life.lane === lane && end > begin)
        context.fillRect(xAt(view, begin), y - 2.5, xAt(view, end) - xAt(view, begin), 5);
    }
  };
  for (const [lane, until] of cone.past) stretch(lane, 0, until, '--blue');
  for (const [lane, from] of cone.future) stretch(lane, from, diagram.endsAt, '--amber');
}

function paintHeld(context: CanvasRenderingContext2D, scene: Scene): void {
  const { diagram, view, colourOf } = scene;
  context.fillStyle = colourOf('--amber');
  const levels = new Map<number, number[]>();
  for (const { lane, from, until } of diagram.held) {
    if (from > endOf(view)) break;
    if (Math.min(until, diagram.endsAt) < view.from) continue;
    // Bars that overlap lie on top of each other, as messages do in the queue.
    const ends = levels.get(lane) ?? [];
    levels.set(lane, ends);
    let level = ends.findIndex((end) => end <= from);
    if (level === -1) level = ends.length;
    ends[level] = until;
    const x = xAt(view, from);
    const width = Math.max(2, xAt(view, Math.min(until, diagram.endsAt)) - x);
    context.globalAlpha = 0.75;
    context.fillRect(x, laneY(scene, lane) + 7 + Math.min(level, 5) * 4, width, 3);
    context.globalAlpha = 1;
  }
}

function paintCursor(context: CanvasRenderingContext2D, scene: Scene): void {
  const { view, at, height, colourOf, hidesFuture = false } = scene;
  const x = xAt(view, at);
  if (x < view.width) {
    context.fillStyle = colourOf(hidesFuture ? '--panel' : '--shade');
    context.fillRect(Math.max(0, x), 18, view.width - Math.max(0, x), height - footRoom - 18);
  }
  if (x < 0 || x > view.width) return;
  context.strokeStyle = colourOf('--ink');
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x, 18);
  context.lineTo(x, height - footRoom);
  context.stroke();
  context.fillStyle = colourOf('--ink');
  context.beginPath();
  context.moveTo(x - 6, 14);
  context.lineTo(x + 6, 14);
  context.lineTo(x, 22);
  context.fill();
  if (!hidesFuture || view.width - x < 60) return;
  context.fillStyle = colourOf('--faint');
  context.textAlign = 'center';
  context.font = `650 ${view.width - x < 200 ? 22 : 40}px ${family}`;
  context.fillText('?', (x + view.width) / 2, (height - footRoom) / 2 + 14);
}

function paintNames(context: CanvasRenderingContext2D, scene: Scene): void {
  const { diagram, height, colourOf, at, selected } = scene;
  context.fillStyle = colourOf('--panel');
  context.fillRect(0, 0, gutter, height);
  context.textAlign = 'left';
  for (const [lane, name] of diagram.lanes.entries()) {
    const y = laneY(scene, lane);
    const life = diagram.lives.findLast((one) => one.lane === lane && one.from <= at);
    const isOver = life?.isCrash === true && life.until <= at;
    const band = diagram.bands.findLast((one) => one.lane === lane && one.from <= at);
    if (name === selected) {
      context.fillStyle = colourOf('--raised');
      context.fillRect(4, y - 15, gutter - 10, 30);
    }
    context.fillStyle = colourOf(isOver ? '--red' : '--ink');
    context.font = `650 14px ${family}`;
    context.fillText(name, 12, y + 5);
    if (band?.leads === true && !isOver) {
      context.fillStyle = colourOf('--amber');
      crown(context, 16 + context.measureText(name).width + 3, y - 5, 12);
    }
    if (isOver) {
      context.strokeStyle = colourOf('--red');
      context.lineWidth = 1.6;
      context.beginPath();
      cross(context, 22 + context.measureText(name).width, y, 4);
      context.stroke();
    }
  }
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 0.01)));
  return ([1, 2, 5, 10].find((one) => one * power >= least) ?? 10) * power;
}
