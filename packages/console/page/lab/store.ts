import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { Plan } from '@grp/lab';
import { layOut, type Diagram } from '../../src/lab/diagram.ts';
import { timelineOf, type Timeline } from '../../src/lab/moment.ts';
import { ordersOf, type Orders } from '../../src/lab/orders.ts';
import { isOwnPlan, requestOf, type LabRequest } from '../../src/lab/catalogue.ts';
import type { LabResult } from '../../src/lab/simulation.ts';
import { interestingUntil, neighbour } from '../../src/lab/steps.ts';
import { formatRoute, type Route } from '../../src/route.ts';
import { createSimulator } from './simulator.ts';

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
  readonly isOwnPlan: ReadonlySignal<boolean>;
  /** Runs something else; what is not given stays. `at` keeps the cursor. */
  ask(change: Partial<LabRequest>, at?: number): void;
  step(direction: 1 | -1): void;
  shrink(checker: string): Promise<void>;
  /** Shows what a URL says. */
  open(route: Route & { readonly page: 'lab' }): void;
}

/** Makes a lab that keeps its state in the URL. */
export function createLabStore(route: Route & { readonly page: 'lab' }): LabStore {
  return new Store(route);
}

class Store implements LabStore {
  readonly request: Signal<LabRequest>;
  readonly shown = signal<Shown | undefined>(undefined);
  readonly problem = signal('');
  readonly isBusy = signal(false);
  readonly at: Signal<number>;
  readonly isPlaying = signal(false);
  readonly speed = signal(50);
  readonly hidden = signal<ReadonlySet<string>>(new Set(['ack']));
  readonly selected = signal<string | undefined>(undefined);
  readonly isOwnPlan = computed(() => isOwnPlan(this.request.value));
  readonly #simulator = createSimulator();
  #wantedAt: number | undefined;
  #urlTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(route: Route & { readonly page: 'lab' }) {
    this.request = signal(requestOf(route));
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
    const wanted = requestOf(route);
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
    this.request.value = { ...this.request.value, ...change };
    void this.#run();
  }

  step(direction: 1 | -1): void {
    const diagram = this.shown.value?.diagram;
    if (diagram !== undefined) this.at.value = neighbour(diagram, this.at.value, direction);
  }

  async shrink(checker: string): Promise<void> {
    this.isBusy.value = true;
    try {
      const plan: Plan = await this.#simulator.shrink(this.request.value, checker);
      this.ask({ plan });
    } finally {
      this.isBusy.value = false;
    }
  }

  async #run(): Promise<void> {
    this.isBusy.value = true;
    try {
      const result = await this.#simulator.run(this.request.value);
      const { events, workers } = result.report;
      const diagram = layOut(
        events,
        workers.map(({ node }) => node),
      );
      const until = interestingUntil(diagram);
      batch(() => {
        this.problem.value = '';
        this.shown.value = {
          result,
          diagram,
          timeline: timelineOf(events, diagram.lanes),
          orders: ordersOf(events, diagram.lanes),
          until,
        };
        this.at.value = Math.min(this.#wantedAt ?? until, diagram.endsAt);
        if (!diagram.lanes.includes(this.selected.value ?? '')) this.selected.value = diagram.lanes[0];
      });
    } catch (cause) {
      this.problem.value = cause instanceof Error ? cause.message : String(cause);
    } finally {
      this.isBusy.value = false;
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
    const own = isOwnPlan(this.request.value) ? {} : { plan: JSON.stringify(plan) };
    history.replaceState(null, '', formatRoute({ page: 'lab', scenario, level, seed, at, ...own }));
  }
}
