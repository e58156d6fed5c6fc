import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { Cone } from '../../src/lab/cone.ts';
import type { Diagram, MessageLine } from '../../src/lab/diagram.ts';
import { fitted, following, panned, showing, timeAt, xAt, zoomed, type Viewport } from '../../src/lab/viewport.ts';
import type { Theme } from '../theme.ts';
import { messagesInSight } from './paint-messages.ts';
import { overviewTime } from './paint-overview.ts';
import { paint } from './paint.ts';
import { readPalette } from './palette.ts';
import { gutter, heightFor, laneGap, laneY, type Scene } from './scene.ts';

export interface StageProps {
  readonly diagram: Diagram;
  /** The stretch of time in sight; two diagrams with one signal move together. */
  readonly view: Signal<Viewport>;
  /** How far time reaches: that of the longer one of two diagrams. */
  readonly endsAt: number;
  readonly at: number;
  /** What is shown at first; undefined: what is in sight stays. */
  readonly until?: number | undefined;
  /** Keeps so many ms up to the end in sight, as time goes on. */
  readonly followMs?: number | undefined;
  /** What comes after the cursor is not to be seen. */
  readonly hidesFuture?: boolean;
  readonly hidden: ReadonlySet<string>;
  readonly alarms: readonly number[];
  readonly selected: string | undefined;
  readonly cone?: Cone | undefined;
  readonly theme: Theme;
  /** How instants are told (default: virtual ms). */
  readonly clock?: Scene['clock'];
  readonly onAt: (at: number) => void;
  readonly onSelect: (lane: string) => void;
  /** A click on a message chooses the link that it takes. */
  readonly onLink?: (from: string, to: string) => void;
  readonly onKey: (event: KeyboardEvent) => void;
  /** Somebody moves or zooms. */
  readonly onMove?: () => void;
  /** What it is, for whoever does not see it. */
  readonly label: string;
}

const msClock: Scene['clock'] = (at) => `${Math.round(at * 100) / 100} ms`;

/** The space-time diagram: one lane for each process, time to the right (Lamport 1978). */
export function Stage(props: StageProps): JSX.Element {
  const { diagram, view, at, endsAt, until, followMs, theme, clock = msClock } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const tip = useSignal<{ readonly x: number; readonly y: number; readonly words: string } | undefined>(undefined);
  const height = heightFor(diagram.lanes.length, props.onLink === undefined);
  const palette = useMemo(readPalette, [theme]);
  const scene: Scene = { ...props, cone: props.cone, clock, view: view.value, height, colourOf: palette };
  const fit = (width: number): Viewport => {
    if (followMs !== undefined) return following(width, followMs, endsAt);
    if (until !== undefined) return fitted(width, 0, until * 1.12, endsAt);
    return { ...view.peek(), width };
  };
  const latest = useRef({ scene, fit });
  latest.current = { scene, fit };

  useLayoutEffect(() => {
    const width = widthOf(canvas.current);
    if (width !== undefined) view.value = fit(width);
  }, [diagram, until === undefined, followMs]);

  useLayoutEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => {
      const width = widthOf(element);
      if (width !== undefined && Math.abs(width - view.peek().width) > 1) view.value = latest.current.fit(width);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    if (followMs === undefined) view.value = showing(view.value, at, endsAt);
  }, [at]);

  useLayoutEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const frame = requestAnimationFrame(() => draw(element, latest.current.scene));
    return () => cancelAnimationFrame(frame);
  });

  useEffect(() => {
    const element = canvas.current;
    return element === null ? undefined : handleWheel(element, view, () => latest.current.scene, props.onMove);
  }, []);

  return (
    <>
      <canvas
        ref={canvas}
        style={{ height: `${height}px` }}
        tabIndex={0}
        role="application"
        aria-label={props.label}
        onKeyDown={(event) => {
          if (event.key === '+' || event.key === '-') {
            props.onMove?.();
            view.value = zoomed(view.value, event.key === '+' ? 1.4 : 1 / 1.4, xAt(view.value, at), endsAt);
          } else props.onKey(event);
        }}
        onPointerDown={(event) => startDrag(event, props, () => latest.current.scene)}
        onPointerMove={(event) => (tip.value = tipAt(event, latest.current.scene))}
        onPointerLeave={() => (tip.value = undefined)}
      />
      {tip.value !== undefined && (
        <div class="tip" style={{ left: `${tip.value.x + 14}px`, top: `${tip.value.y + 14}px` }}>
          {tip.value.words}
        </div>
      )}
    </>
  );
}

function widthOf(element: HTMLElement | null): number | undefined {
  return element === null ? undefined : Math.max(200, element.clientWidth - gutter);
}

function draw(element: HTMLCanvasElement, scene: Scene): void {
  const scale = Math.min(2, window.devicePixelRatio || 1);
  const [width, height] = [Math.round(element.clientWidth * scale), Math.round(scene.height * scale)];
  if (element.width !== width || element.height !== height) {
    element.width = width;
    element.height = height;
  }
  const context = element.getContext('2d');
  if (context === null) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  paint(context, scene);
}

// Not passive: a wheel over the diagram moves through time, not the page. With the page's own scrolling untouched where
// there is nothing more to see.
function handleWheel(
  element: HTMLCanvasElement,
  view: Signal<Viewport>,
  scene: () => Scene,
  onMove: (() => void) | undefined,
): () => void {
  const onWheel = (event: WheelEvent): void => {
    const { endsAt } = scene();
    const before = view.value;
    if (event.ctrlKey || event.metaKey) {
      const x = event.offsetX - gutter;
      onMove?.();
      view.value = zoomed(before, Math.exp(-event.deltaY / 300), x, endsAt);
      event.preventDefault();
      return;
    }
    const px = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY;
    const next = panned(before, px, endsAt);
    if (next.from === before.from) return;
    event.preventDefault();
    onMove?.();
    view.value = next;
  };
  element.addEventListener('wheel', onWheel, { passive: false });
  return () => element.removeEventListener('wheel', onWheel);
}

function startDrag(event: PointerEvent, props: StageProps, scene: () => Scene): void {
  const { view, endsAt } = props;
  const element = event.currentTarget as HTMLCanvasElement;
  const { offsetX, offsetY } = event;
  if (offsetX < gutter) {
    const lane = Math.floor((offsetY - laneY(scene(), 0)) / laneGap(scene()) + 0.5);
    const name = props.diagram.lanes[lane];
    if (name !== undefined) props.onSelect(name);
    return;
  }
  const jump = overviewTime(scene(), offsetX, offsetY);
  if (jump !== undefined) {
    props.onAt(jump);
    return;
  }
  const began = { x: event.clientX, view: view.value };
  let isDragged = false;
  element.setPointerCapture(event.pointerId);
  const move = (moved: PointerEvent): void => {
    const px = began.x - moved.clientX;
    if (!isDragged && Math.abs(px) > 4) {
      isDragged = true;
      props.onMove?.();
    }
    if (isDragged) view.value = panned(began.view, px, endsAt);
  };
  const end = (): void => {
    element.removeEventListener('pointermove', move);
    if (isDragged) return;
    const message = messageAt(offsetX - gutter, offsetY, scene());
    const { lanes } = props.diagram;
    if (message !== undefined) props.onLink?.(lanes[message.from] ?? '', lanes[message.to] ?? '');
    const near = lanes.find((_, lane) => Math.abs(laneY(scene(), lane) - offsetY) < 18);
    if (near !== undefined && message === undefined) props.onSelect(near);
    props.onAt(Math.min(endsAt, Math.max(0, timeAt(view.value, offsetX - gutter))));
  };
  element.addEventListener('pointermove', move);
  element.addEventListener('pointerup', end, { once: true });
  element.addEventListener('pointercancel', end, { once: true });
}

const reach = 7;

function tipAt(event: PointerEvent, scene: Scene): { x: number; y: number; words: string } | undefined {
  const { diagram, view } = scene;
  const [x, y] = [event.offsetX - gutter, event.offsetY];
  if (x < 0) return undefined;
  const place = { x: event.clientX, y: event.clientY };
  const time = timeAt(view, x);
  const near = reach / view.pxPerMs;
  const point = diagram.points.find(
    ({ at, lane, kind }) =>
      kind !== 'receive' && lane >= 0 && Math.abs(at - time) < near && Math.abs(laneY(scene, lane) - y) < reach + 2,
  );
  const { clock } = scene;
  if (point !== undefined && !isHidden(scene, point.at)) {
    const shown = point.colour === undefined ? '' : `, shows ${point.colour}`;
    return {
      ...place,
      words: `${diagram.lanes[point.lane]} ${point.kind} ${point.label} at ${clock(point.at)}${shown}`,
    };
  }
  const line = messageAt(x, y, scene);
  if (line === undefined || isHidden(scene, time)) return undefined;
  const end = line.receivedAt === undefined ? 'lost' : `received ${clock(line.receivedAt)}`;
  const again = line.isRepeat ? ', once more' : '';
  const way = `${diagram.lanes[line.from]} → ${diagram.lanes[line.to]}`;
  return { ...place, words: `${line.kind} ${line.label}${again}: ${way}, sent ${clock(line.sentAt)}, ${end}` };
}

function isHidden({ hidesFuture = false, at }: Scene, time: number): boolean {
  return hidesFuture && time > at;
}

function messageAt(x: number, y: number, scene: Scene): MessageLine | undefined {
  return messagesInSight(scene).find(({ x0, y0, x1, y1 }) => distance(x, y, { x0, y0, x1, y1 }) <= 4)?.line;
}

interface Segment {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

function distance(x: number, y: number, { x0, y0, x1, y1 }: Segment): number {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const share = Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
}
