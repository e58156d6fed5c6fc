import { isInCone } from '../../src/lab/cone.ts';
import { firstFrom, type Diagram, type MessageLine } from '../../src/lab/diagram.ts';
import { endOf, xAt } from '../../src/lab/viewport.ts';
import { inkOf, type Ink } from './palette.ts';
import { between, cross, font, laneY, type Scene } from './scene.ts';

// More than this in one picture is a grey area in any case.
const messagesMax = 2_500;

/** A message and where it is drawn. */
export interface DrawnMessage {
  readonly line: MessageLine;
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

const shownFor = new WeakMap<
  Diagram,
  { readonly hidden: ReadonlySet<string>; readonly messages: readonly MessageLine[] }
>();

/** The messages of kinds that are shown; looked through once for each choice. */
function shownMessages(diagram: Diagram, hidden: ReadonlySet<string>): readonly MessageLine[] {
  const known = shownFor.get(diagram);
  if (known?.hidden === hidden) return known.messages;
  const messages = diagram.messages.filter(({ kind }) => !hidden.has(kind));
  shownFor.set(diagram, { hidden, messages });
  return messages;
}

/** The messages in sight, thinned out where there are too many to tell apart. */
export function messagesInSight(scene: Scene): readonly DrawnMessage[] {
  const { diagram, view, hidden } = scene;
  const { longestMs } = diagram;
  const messages = shownMessages(diagram, hidden);
  const begin = firstFrom(messages, view.from - longestMs, ({ sentAt }) => sentAt);
  const end = firstFrom(messages, endOf(view), ({ sentAt }) => sentAt);
  const stride = Math.max(1, Math.ceil((end - begin) / messagesMax));
  const drawn: DrawnMessage[] = [];
  for (let index = begin - (begin % stride); index < end; index += stride) {
    const line = messages[index];
    if (line === undefined) continue;
    const arrives = line.receivedAt ?? line.sentAt + Math.max(4, Math.min(longestMs, 12)) * 0.6;
    drawn.push({
      line,
      x0: xAt(view, line.sentAt),
      y0: laneY(scene, line.from),
      x1: xAt(view, arrives),
      y1:
        line.receivedAt === undefined
          ? between(laneY(scene, line.from), laneY(scene, line.to), 0.6)
          : laneY(scene, line.to),
    });
  }
  return drawn;
}

const groups = [
  [false, true],
  [true, true],
  [false, false],
  [true, false],
] as const;

function isOutside({ cone }: Scene, line: MessageLine): boolean {
  return cone !== undefined && !isInCone(cone, line);
}

/** Draws the messages in sight. */
export function paintMessages(context: CanvasRenderingContext2D, scene: Scene): void {
  const { diagram, view, colourOf } = scene;
  const drawn = messagesInSight(scene);
  const isDense = drawn.length > 700;
  for (const kind of diagram.kinds) {
    const ink = inkOf(kind, colourOf);
    for (const [isRepeat, isFaint] of groups) {
      const same = drawn.filter(
        ({ line }) => line.kind === kind && line.isRepeat === isRepeat && isOutside(scene, line) === isFaint,
      );
      if (same.length === 0) continue;
      context.strokeStyle = ink.colour;
      context.lineWidth = isDense ? Math.min(1, ink.width) : ink.width;
      context.setLineDash(isRepeat && !isDense ? [5, 4] : []);
      context.globalAlpha = isFaint ? 0.15 : kind === 'ack' || kind === 'append-response' ? 0.5 : 0.95;
      context.beginPath();
      for (const { x0, y0, x1, y1 } of same) {
        context.moveTo(x0, y0);
        context.lineTo(x1, y1);
      }
      context.stroke();
      context.setLineDash([]);
      context.fillStyle = ink.colour;
      if (!isDense) for (const message of same) messageEnd(context, message, ink);
      context.globalAlpha = 1;
    }
  }
  if (view.pxPerMs > 3 && !isDense) messageWords(context, scene, drawn);
  context.strokeStyle = colourOf('--red');
  context.lineWidth = 2.2;
  context.beginPath();
  for (const { line, x1, y1 } of drawn) if (line.isLost) cross(context, x1, y1, isDense ? 2.5 : 5);
  context.stroke();
}

function messageEnd(context: CanvasRenderingContext2D, { line, x0, y0, x1, y1 }: DrawnMessage, { head }: Ink): void {
  if (line.receivedAt === undefined) return;
  if (head === 'dot') {
    context.beginPath();
    context.arc(x1, y1, 2, 0, Math.PI * 2);
    context.fill();
    return;
  }
  const angle = Math.atan2(y1 - y0, x1 - x0);
  const size = head === 'diamond' ? 8 : 9;
  const corner = (turn: number, length: number): [number, number] => [
    x1 - Math.cos(angle + turn) * length,
    y1 - Math.sin(angle + turn) * length,
  ];
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(...corner(0.42, size));
  if (head === 'diamond') context.lineTo(...corner(0, size * 1.7));
  else if (head === 'open') context.moveTo(x1, y1);
  context.lineTo(...corner(-0.42, size));
  if (head === 'open') {
    context.stroke();
    return;
  }
  context.closePath();
  context.fill();
}

function messageWords(context: CanvasRenderingContext2D, scene: Scene, drawn: readonly DrawnMessage[]): void {
  context.font = font(11);
  context.textAlign = 'center';
  context.lineWidth = 3;
  context.strokeStyle = scene.colourOf('--panel');
  const taken: { x: number; y: number; width: number }[] = [];
  let last = '';
  for (const { line, x0, y0, x1, y1 } of drawn) {
    // One name is enough for what a multicast sends to each.
    const multicast = `${line.from} ${line.kind} ${line.label} ${Math.floor(line.sentAt)}`;
    if (line.kind === 'ack' || line.kind === 'append-response' || multicast === last || isOutside(scene, line))
      continue;
    last = multicast;
    const width = context.measureText(line.label).width;
    const x = between(x0, x1, 0.42);
    const y = between(y0, y1, 0.42) + 3;
    if (taken.some((other) => Math.abs(other.x - x) < (other.width + width) / 2 + 4 && Math.abs(other.y - y) < 13))
      continue;
    taken.push({ x, y, width });
    context.strokeText(line.label, x, y);
    context.fillStyle = inkOf(line.kind, scene.colourOf).colour;
    context.fillText(line.label, x, y);
  }
}
