import type { Cone } from '../../src/lab/cone.ts';
import type { Diagram } from '../../src/lab/diagram.ts';
import type { Viewport } from '../../src/lab/viewport.ts';

/** Everything a picture is made of. */
export interface Scene {
  readonly diagram: Diagram;
  readonly view: Viewport;
  /** How far time reaches. */
  readonly endsAt: number;
  /** Virtual ms of the cursor. */
  readonly at: number;
  readonly hidesFuture?: boolean;
  /** How an instant is told. */
  readonly clock: (at: number) => string;
  readonly hidden: ReadonlySet<string>;
  readonly height: number;
  readonly colourOf: (token: string) => string;
  readonly selected: string | undefined;
  /** What the cursor's instant of the selected process hangs together with. */
  readonly cone: Cone | undefined;
  /** Moments to mark below: crashes and violations. */
  readonly alarms: readonly number[];
}

export const gutter = 64;
export const headRoom = 34;
export const footRoom = 44;

/** How far apart lanes are. */
export function laneGap({ diagram, height }: Pick<Scene, 'diagram' | 'height'>): number {
  return (height - headRoom - footRoom) / Math.max(1, diagram.lanes.length);
}

/** The middle of a lane. */
export function laneY(scene: Pick<Scene, 'diagram' | 'height'>, lane: number): number {
  return headRoom + laneGap(scene) * (lane + 0.5);
}

/** How high a canvas should be for so many lanes; `isSmall` where it is not what the page is about. */
export function heightFor(lanes: number, isSmall = false): number {
  const room = isSmall ? (lanes > 6 ? 40 : 54) : lanes > 6 ? 66 : 88;
  return headRoom + footRoom + Math.max(isSmall ? 2 : 3, lanes) * room;
}

/** Puts a cross into the path. */
export function cross(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  context.moveTo(x - size, y - size);
  context.lineTo(x + size, y + size);
  context.moveTo(x + size, y - size);
  context.lineTo(x - size, y + size);
}

/** Draws a crown. */
export function crown(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  const s = size / 11;
  context.beginPath();
  context.moveTo(x, y + 2 * s);
  for (const [dx, dy] of [
    [2.8, 4.6],
    [5.5, 0.8],
    [8.2, 4.6],
    [11, 2],
    [10.3, 9],
    [0.7, 9],
  ] as const)
    context.lineTo(x + dx * s, y + dy * s);
  context.closePath();
  context.fill();
}

/** A number between two others. */
export function between(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}

/** What is written with. */
export const family = "ui-sans-serif, system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";

/** The font at a size. */
export function font(size: number): string {
  return `${size}px ${family}`;
}
