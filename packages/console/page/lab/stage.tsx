import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { Cone } from '../../src/lab/cone.ts';
import type { Diagram } from '../../src/lab/diagram.ts';
import { fitted, panned, showing, timeAt, xAt, zoomed, type Viewport } from '../../src/lab/viewport.ts';
import type { Theme } from '../theme.ts';
import { messagesInSight } from './paint-messages.ts';
import { overviewTime } from './paint-overview.ts';
import { paint } from './paint.ts';
import { readPalette } from './palette.ts';
import { gutter, heightFor, laneGap, laneY, type Scene } from './scene.ts';

export interface StageProps {
  readonly diagram: Diagram;
  readonly at: number;
  /** What is shown at first. */
  readonly until: number;
  readonly hidden: ReadonlySet<string>;
  readonly alarms: readonly number[];
  readonly selected: string | undefined;
  readonly cone: Cone | undefined;
  readonly theme: Theme;
  readonly onAt: (at: number) => void;
  readonly onSelect: (lane: string) => void;
  readonly onKey: (event: KeyboardEvent) => void;
}

/** The space-time diagram: one lane for each process, time to the right (Lamport 1978). */
export function Stage(props: StageProps): JSX.Element {
  const { diagram, at, until, theme } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useSignal<Viewport>(fitted(900, 0, until * 1.12, diagram.endsAt));
  const tip = useSignal<{ readonly x: number; readonly y: number; readonly words: string } | undefined>(undefined);
  const height = heightFor(diagram.lanes.length);
  const palette = useMemo(readPalette, [theme]);
  const scene: Scene = { ...props, view: view.value, height, colourOf: palette };
  const latest = useRef(scene);
  latest.current = scene;

  useLayoutEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const resize = (): void => {
      const width = Math.max(200, element.clientWidth - gutter);
      view.value = fitted(width, 0, until * 1.12, diagram.endsAt);
    };
    resize();
    const observer = new ResizeObserver(() => {
      const width = Math.max(200, element.clientWidth - gutter);
      if (Math.abs(width - view.value.width) > 1) resize();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [diagram]);

  useLayoutEffect(() => {
    view.value = showing(view.value, at, diagram.endsAt);
  }, [at]);

  useLayoutEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const frame = requestAnimationFrame(() => draw(element, latest.current));
    return () => cancelAnimationFrame(frame);
  });

  useEffect(() => {
    const element = canvas.current;
    return element === null ? undefined : handleWheel(element, view, () => latest.current);
  }, []);

  return (
    <>
      <canvas
        ref={canvas}
        style={{ height: `${height}px` }}
        tabIndex={0}
        role="application"
        aria-label={`Space-time diagram of ${diagram.lanes.length} processes and ${diagram.messages.length} messages. Arrow keys step, plus and minus zoom; the list of events below says the same in words.`}
        onKeyDown={(event) => {
          if (event.key === '+' || event.key === '-')
            view.value = zoomed(view.value, event.key === '+' ? 1.4 : 1 / 1.4, xAt(view.value, at), diagram.endsAt);
          else props.onKey(event);
        }}
        onPointerDown={(event) => startDrag(event, props, view, () => latest.current)}
        onPointerMove={(event) => (tip.value = tipAt(event, latest.current))}
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
function handleWheel(element: HTMLCanvasElement, view: { value: Viewport }, scene: () => Scene): () => void {
  const onWheel = (event: WheelEvent): void => {
    const { diagram } = scene();
    const before = view.value;
    if (event.ctrlKey || event.metaKey) {
      const x = event.offsetX - gutter;
      view.value = zoomed(before, Math.exp(-event.deltaY / 300), x, diagram.endsAt);
      event.preventDefault();
      return;
    }
    const px = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY;
    const next = panned(before, px, diagram.endsAt);
    if (next.from === before.from) return;
    event.preventDefault();
    view.value = next;
  };
  element.addEventListener('wheel', onWheel, { passive: false });
  return () => element.removeEventListener('wheel', onWheel);
}

function startDrag(event: PointerEvent, props: StageProps, view: { value: Viewport }, scene: () => Scene): void {
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
    isDragged ||= Math.abs(px) > 4;
    if (isDragged) view.value = panned(began.view, px, props.diagram.endsAt);
  };
  const end = (): void => {
    element.removeEventListener('pointermove', move);
    if (isDragged) return;
    const near = props.diagram.lanes.find((_, lane) => Math.abs(laneY(scene(), lane) - offsetY) < 18);
    if (near !== undefined) props.onSelect(near);
    props.onAt(Math.min(props.diagram.endsAt, Math.max(0, timeAt(view.value, offsetX - gutter))));
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
  if (point !== undefined) {
    const shown = point.colour === undefined ? '' : `, shows ${point.colour}`;
    return {
      ...place,
      words: `${diagram.lanes[point.lane]} ${point.kind} ${point.label} at ${point.at.toFixed(1)} ms${shown}`,
    };
  }
  for (const { line, x0, y0, x1, y1 } of messagesInSight(scene)) {
    if (distance(x, y, { x0, y0, x1, y1 }) > 4) continue;
    const end = line.receivedAt === undefined ? 'lost' : `received ${line.receivedAt.toFixed(1)}`;
    const again = line.isRepeat ? ', once more' : '';
    const way = `${diagram.lanes[line.from]} → ${diagram.lanes[line.to]}`;
    return { ...place, words: `${line.kind} ${line.label}${again}: ${way}, sent ${line.sentAt.toFixed(1)}, ${end}` };
  }
  return undefined;
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
