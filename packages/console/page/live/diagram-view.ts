import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import { layOut, type Diagram } from '../../src/lab/diagram.ts';
import { neighbour } from '../../src/lab/steps.ts';
import { fitted, type Viewport } from '../../src/lab/viewport.ts';
import type { LiveTrace, Track } from '../../src/live/live-trace.ts';

/** Stretches of time that can be in sight, in ms, with their names. */
export const stretches = [
  [5_000, '5 s'],
  [20_000, '20 s'],
  [60_000, '1 min'],
  [300_000, '5 min'],
] as const;

/** What the diagram of a live cluster shows: it goes on with time, and stands still for whoever looks closer. */
export class DiagramView {
  readonly stretchMs = signal<number>(20_000);
  /** The track that somebody has chosen for the bands. */
  readonly chosen = signal<string | undefined>(undefined);
  readonly selected = signal<string | undefined>(undefined);
  readonly view: Signal<Viewport> = signal(fitted(900, 0, 100, 100));
  readonly shown: ReadonlySignal<{
    readonly diagram: Diagram;
    readonly tracks: readonly Track[];
    readonly track: string;
  }>;
  readonly #stoppedAt = signal<number | undefined>(undefined);
  readonly #at = signal(0);
  readonly #ticks = signal(0);

  constructor(trace: LiveTrace) {
    this.shown = computed(() => {
      void this.#ticks.value;
      const { tracks, lanes, origin } = trace;
      const track = tracks.find(({ id }) => id === this.chosen.value)?.id ?? tracks[0]?.id ?? '';
      const now = this.#stoppedAt.value ?? Date.now() - origin;
      return { tracks, track, diagram: layOut(trace.events(track), lanes, now) };
    });
  }

  /** Goes on with time until what it gives back is called. */
  start(): () => void {
    // Who wants no motion gets a new picture each second, which is as often as the tables change.
    const everyMs = matchMedia('(prefers-reduced-motion: reduce)').matches ? 1_000 : 200;
    const timer = setInterval(() => {
      if (!document.hidden && this.follows) this.#ticks.value++;
    }, everyMs);
    return () => clearInterval(timer);
  }

  get follows(): boolean {
    return this.#stoppedAt.value === undefined;
  }

  get at(): number {
    return this.follows ? this.#endsAt : this.#at.value;
  }

  stop(): void {
    if (!this.follows) return;
    this.#at.value = this.#endsAt;
    this.#stoppedAt.value = this.#endsAt;
  }

  follow(): void {
    this.#stoppedAt.value = undefined;
  }

  goTo(at: number): void {
    this.stop();
    this.#at.value = at;
  }

  /** A key over the diagram; false: it is for somebody else. */
  press(key: string): boolean {
    const { diagram } = this.shown.value;
    if (key === 'ArrowLeft') this.goTo(neighbour(diagram, this.at, -1));
    else if (key === 'ArrowRight') this.goTo(neighbour(diagram, this.at, 1));
    else if (key === 'End' || (key === ' ' && !this.follows)) this.follow();
    else if (key === ' ') this.stop();
    else return false;
    return true;
  }

  get #endsAt(): number {
    return this.shown.value.diagram.endsAt;
  }
}
