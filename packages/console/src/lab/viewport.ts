/** The stretch of time that is in sight. */
export interface Viewport {
  /** Virtual ms at the left edge. */
  readonly from: number;
  readonly pxPerMs: number;
  /** Of the drawing, without the lane names. */
  readonly width: number;
}

const pxPerMsMax = 60;

export function timeAt({ from, pxPerMs }: Viewport, x: number): number {
  return from + x / pxPerMs;
}

export function xAt({ from, pxPerMs }: Viewport, at: number): number {
  return (at - from) * pxPerMs;
}

export function endOf({ from, pxPerMs, width }: Viewport): number {
  return from + width / pxPerMs;
}

/** The same stretch, moved by pixels, within the run. */
export function panned(view: Viewport, px: number, endsAt: number): Viewport {
  return clamped({ ...view, from: view.from + px / view.pxPerMs }, endsAt);
}

/** Nearer by a factor, with the time under `x` staying where it is. */
export function zoomed(view: Viewport, factor: number, x: number, endsAt: number): Viewport {
  const least = view.width / Math.max(1, endsAt * 1.1);
  const pxPerMs = Math.min(pxPerMsMax, Math.max(Math.min(least, pxPerMsMax), view.pxPerMs * factor));
  return clamped({ ...view, pxPerMs, from: timeAt(view, x) - x / pxPerMs }, endsAt);
}

/** All of a stretch in sight, with a little room at both ends. */
export function fitted(width: number, from: number, until: number, endsAt: number): Viewport {
  const span = Math.max(1, until - from);
  return clamped({ width, pxPerMs: Math.min(pxPerMsMax, (width * 0.96) / span), from: from - span * 0.02 }, endsAt);
}

/** The last stretch up to the end, so that what happens comes in at the right. */
export function following(width: number, ms: number, endsAt: number): Viewport {
  const pxPerMs = width / Math.max(1, ms);
  return { width, pxPerMs, from: endsAt - (width * 0.98) / pxPerMs };
}

/** The same stretch, moved no more than is needed for an instant to be in sight. */
export function showing(view: Viewport, at: number, endsAt: number): Viewport {
  const x = xAt(view, at);
  const margin = view.width * 0.08;
  if (x < margin) return panned(view, x - view.width * 0.3, endsAt);
  return x > view.width - margin ? panned(view, x - view.width * 0.7, endsAt) : view;
}

function clamped(view: Viewport, endsAt: number): Viewport {
  const room = view.width / view.pxPerMs;
  const most = Math.max(-room * 0.02, endsAt - room * 0.9);
  return { ...view, from: Math.min(most, Math.max(-room * 0.02, view.from)) };
}
