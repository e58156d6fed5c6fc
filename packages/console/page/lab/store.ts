import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import {
  isOwnPlan,
  lessonOf,
  requestOf,
  type Catalogue,
  type LabRequest,
  type Lesson,
} from '../../src/lab/catalogue.ts';
import { layOut, type Diagram } from '../../src/lab/diagram.ts';
import { timelineOf, type Timeline } from '../../src/lab/moment.ts';
import { ordersOf, type Orders } from '../../src/lab/orders.ts';
import type { LabResult } from '../../src/lab/simulation.ts';
import { interestingUntil, neighbour } from '../../src/lab/steps.ts';
import { formatRoute, type Route } from '../../src/route.ts';
import type { Simulator } from './simulator.ts';

/** A run and everything that was computed from it once. */
export interface Shown {
  readonly result: LabResult;
  readonly diagram: Diagram;
  readonly timeline: Timeline;
  readonly orders: Orders;
  /** Where there is something to see at first. */
  readonly until: number;
}

export interface LabStore {
  readonly catalogue: Catalogue;
  readonly lesson: ReadonlySignal<Lesson>;
  /** The files that are shown instead of a run. */
  readonly recording: Signal<string>;
  readonly request: Signal<LabRequest>;
  readonly shown: Signal<Shown | undefined>;
  readonly problem: Signal<string>;
  readonly isBusy: Signal<boolean>;
  /** The cursor, in virtual ms. */
  readonly at: Signal<number>;
  readonly isPlaying: Signal<boolean>;
  /** Virtual ms in a real second. */
  readonly speed: Signal<number>;
  readonly hidden: Signal<ReadonlySet<string>>;
  readonly selected: Signal<string | undefined>;
  /** Whether the diagram shows what the selected process at the cursor hangs together with. */
  readonly showsCone: Signal<boolean>;
  readonly isOwnPlan: ReadonlySignal<boolean>;
  /** Runs something else; what is not given stays. `at` keeps the cursor. */
  ask(change: Partial<LabRequest>, at?: number): void;
  step(direction: 1 | -1): void;
  shrink(checker: string): Promise<void>;
  /** Shows what nodes have recorded. */
  openFiles(files: readonly File[]): Promise<void>;
  /** Shows what a URL says. */
  open(route: Route & { readonly page: 'lab' }): void;
}

export interface LabParts {
  readonly route: Route & { readonly page: 'lab' };
  readonly catalogue: Catalogue;
  readonly simulator: Simulator;
}

/** Makes a lab that keeps its state in the URL. */
export function createLabStore(parts: LabParts): LabStore {
  return new Store(parts);
}

class Store implements LabStore {
  readonly catalogue: Catalogue;
  readonly lesson = computed(() => lessonOf(this.catalogue, this.request.value.scenario));
  readonly recording = signal('');
  readonly request: Signal<LabRequest>;
  readonly shown = signal<Shown | undefined>(undefined);
  readonly problem = signal('');
  readonly isBusy = signal(false);
  readonly at: Signal<number>;
  readonly isPlaying = signal(false);
  readonly speed = signal(50);
  readonly hidden = signal<ReadonlySet<string>>(new Set(['ack']));
  readonly selected = signal<string | undefined>(undefined);
  readonly showsCone = signal(false);
  readonly isOwnPlan = computed(() => isOwnPlan(this.catalogue, this.request.value));
  readonly #simulator: Simulator;
  #runs = 0;
  #hiddenFor = '';
  #wantedAt: number | undefined;
  #urlTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ route, catalogue, simulator }: LabParts) {
    this.catalogue = catalogue;
    this.#simulator = simulator;
    this.request = signal(requestOf(catalogue, route));
    this.at = signal(route.at ?? 0);
    this.#wantedAt = route.at;
    effect(() => this.#play());
    effect(() => {
      const [request, at] = [this.request.value, this.at.value];
      // Not with each picture of a run that plays: browsers limit how often a page may change its URL.
      clearTimeout(this.#urlTimer);
      this.#urlTimer = setTimeout(() => this.#writeUrl(request, at), 200);
    });
    void this.#run();
  }

  open(route: Route & { readonly page: 'lab' }): void {
    const wanted = requestOf(this.catalogue, route);
    if (JSON.stringify(wanted) === JSON.stringify(this.request.value)) {
      if (route.at !== undefined) this.at.value = route.at;
      return;
    }
    this.#wantedAt = route.at;
    this.request.value = wanted;
    void this.#run();
  }

  ask(change: Partial<LabRequest>, at?: number): void {
    this.#wantedAt = at;
    this.isPlaying.value = false;
    const { plan, ...rest } = { ...this.request.value, ...change };
    // Another lesson brings its own plan, or has none.
    const next = change.scenario === undefined ? plan : lessonOf(this.catalogue, change.scenario).plan;
    this.request.value = { ...rest, ...(next !== undefined && { plan: next }) };
    void this.#run();
  }

  step(direction: 1 | -1): void {
    const diagram = this.shown.value?.diagram;
    if (diagram !== undefined) this.at.value = neighbour(diagram, this.at.value, direction);
  }

  async shrink(checker: string): Promise<void> {
    const { plan, ...request } = this.request.value;
    if (plan === undefined) return;
    this.isBusy.value = true;
    try {
      this.ask({ plan: await this.#simulator({ type: 'shrink', request: { ...request, plan }, checker }) });
    } finally {
      this.isBusy.value = false;
    }
  }

  async openFiles(files: readonly File[]): Promise<void> {
    const read = await Promise.all(files.map(async (file) => ({ name: file.name, text: await file.text() })));
    await this.#show(this.#simulator({ type: 'recordings', files: read }), read.map(({ name }) => name).join(', '));
  }

  async #run(): Promise<void> {
    await this.#show(this.#simulator({ type: 'run', request: this.request.value }), '');
  }

  async #show(run: Promise<LabResult>, recording: string): Promise<void> {
    const number = ++this.#runs;
    this.isBusy.value = true;
    try {
      const result = await run;
      if (number !== this.#runs) return; // something newer has been asked for
      const diagram = layOut(result.events, result.lanes);
      const until = interestingUntil(diagram);
      const { name, hidden } = this.lesson.value;
      batch(() => {
        this.problem.value = '';
        this.recording.value = recording;
        this.shown.value = {
          ...{ result, diagram, until },
          timeline: timelineOf(result.events, diagram.lanes),
          orders: ordersOf(result.events, diagram.lanes),
        };
        if (this.#hiddenFor !== name) this.hidden.value = new Set(hidden);
        this.#hiddenFor = name;
        this.at.value = Math.min(this.#wantedAt ?? until, diagram.endsAt);
        if (!diagram.lanes.includes(this.selected.value ?? '')) this.selected.value = diagram.lanes[0];
      });
    } catch (cause) {
      this.problem.value = cause instanceof Error ? cause.message : String(cause);
    } finally {
      if (number === this.#runs) this.isBusy.value = false;
    }
  }

  #play(): (() => void) | undefined {
    if (!this.isPlaying.value) return undefined;
    let last = performance.now();
    let frame = 0;
    const next = (now: number): void => {
      const endsAt = this.shown.value?.diagram.endsAt ?? 0;
      this.at.value = Math.min(endsAt, this.at.value + ((now - last) / 1_000) * this.speed.value);
      last = now;
      if (this.at.value >= endsAt) this.isPlaying.value = false;
      else frame = requestAnimationFrame(next);
    };
    frame = requestAnimationFrame(next);
    return () => cancelAnimationFrame(frame);
  }

  #writeUrl({ scenario, level, seed, plan }: LabRequest, at: number): void {
    if (!location.hash.startsWith('#/lab')) return;
    const own = isOwnPlan(this.catalogue, this.request.value) ? {} : { plan: JSON.stringify(plan) };
    history.replaceState(null, '', formatRoute({ page: 'lab', scenario, level, seed, at, ...own }));
  }
}
