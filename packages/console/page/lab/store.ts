import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import {
  besideOf,
  besideText,
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
import { askAt } from '../../src/lab/predict.ts';
import type { LabResult } from '../../src/lab/simulation.ts';
import { interestingUntil, neighbour } from '../../src/lab/steps.ts';
import { fitted, type Viewport } from '../../src/lab/viewport.ts';
import { formatRoute, type Route } from '../../src/route.ts';
import { forgetOrRemember, remembered } from '../remember.ts';
import type { Simulator } from './simulator.ts';

/** A run and everything that was computed from it once. */
export interface Shown {
  /** What was asked for; a recording was not. */
  readonly request: LabRequest;
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
  /** The other end of the link that a fault is for. */
  readonly peer: Signal<string | undefined>;
  /** The stretch of time in sight, of both diagrams where there are two. */
  readonly view: Signal<Viewport>;
  /** The run that stays while another one is tried beside it. */
  readonly beside: Signal<Shown | undefined>;
  /** The run stands still and its end is hidden: a reader is to say first what comes. */
  readonly isAsking: Signal<boolean>;
  /** What the reader said of the run that is shown, by number of the option. */
  readonly guessed: Signal<number | undefined>;
  /** Whether readers are asked at all; kept in this browser. */
  readonly asksFirst: Signal<boolean>;
  /** Whether the diagram shows what the selected process at the cursor hangs together with. */
  readonly showsCone: Signal<boolean>;
  readonly isOwnPlan: ReadonlySignal<boolean>;
  /** Runs something else; what is not given stays. `at` keeps the cursor. */
  ask(change: Partial<LabRequest>, at?: number): void;
  step(direction: 1 | -1): void;
  /** Keeps the run that is shown, to see another one beside it; or no longer. */
  compare(): void;
  /** Shows how it goes on, whatever the reader said; undefined: nothing. */
  reveal(guess: number | undefined): void;
  setAsksFirst(asks: boolean): void;
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

const asksKey = 'grp-ask-first';

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
  readonly peer = signal<string | undefined>(undefined);
  readonly view = signal<Viewport>(fitted(900, 0, 100, 100));
  readonly beside = signal<Shown | undefined>(undefined);
  readonly isAsking = signal(false);
  readonly guessed = signal<number | undefined>(undefined);
  readonly asksFirst = signal(remembered(asksKey) !== 'no');
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
      const [request, beside] = [this.request.value, this.beside.value?.request];
      // Whoever opens the URL of a question is asked it, too.
      const at = this.isAsking.value ? undefined : this.at.value;
      // Not with each picture of a run that plays: browsers limit how often a page may change its URL.
      clearTimeout(this.#urlTimer);
      this.#urlTimer = setTimeout(() => this.#writeUrl(request, at, beside), 200);
    });
    void this.#begin(route);
  }

  open(route: Route & { readonly page: 'lab' }): void {
    const wanted = requestOf(this.catalogue, route);
    if (JSON.stringify(wanted) === JSON.stringify(this.request.value)) {
      if (route.at !== undefined) this.at.value = route.at;
      return;
    }
    this.#wantedAt = route.at;
    this.request.value = wanted;
    void this.#begin(route);
  }

  compare(): void {
    const shown = this.shown.value;
    this.beside.value = this.beside.value === undefined && this.recording.value === '' ? shown : undefined;
  }

  reveal(guess: number | undefined): void {
    batch(() => {
      this.guessed.value = guess;
      this.isAsking.value = false;
      this.at.value = this.shown.value?.until ?? this.at.value;
    });
  }

  setAsksFirst(asks: boolean): void {
    this.asksFirst.value = asks;
    forgetOrRemember(asksKey, asks ? undefined : 'no');
    if (!asks && this.isAsking.value) this.reveal(undefined);
  }

  ask(change: Partial<LabRequest>, at?: number): void {
    this.#wantedAt = at;
    this.isPlaying.value = false;
    if (change.scenario !== undefined) this.beside.value = undefined;
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
    this.beside.value = undefined;
    const read = await Promise.all(files.map(async (file) => ({ name: file.name, text: await file.text() })));
    await this.#show(this.#simulator({ type: 'recordings', files: read }), read.map(({ name }) => name).join(', '));
  }

  /** Runs what a URL says, and what it puts beside it. */
  async #begin({ beside: text }: Route & { readonly page: 'lab' }): Promise<void> {
    const beside = besideOf(this.catalogue, this.request.value.scenario, text);
    const other = beside === undefined ? undefined : this.#simulator({ type: 'run', request: beside });
    await this.#run();
    try {
      this.beside.value = other && beside && shownOf(beside, await other);
    } catch (cause) {
      this.problem.value = cause instanceof Error ? cause.message : String(cause);
    }
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
      const shown = shownOf(this.request.value, result);
      const { diagram, until } = shown;
      const { name, hidden } = this.lesson.value;
      const asks = this.asksFirst.value && this.#isUntold(recording);
      batch(() => {
        this.problem.value = '';
        this.recording.value = recording;
        this.shown.value = shown;
        this.isAsking.value = asks;
        this.guessed.value = undefined;
        if (this.#hiddenFor !== name) this.hidden.value = new Set(hidden);
        this.#hiddenFor = name;
        this.at.value = asks ? askAt(diagram) : Math.min(this.#wantedAt ?? until, diagram.endsAt);
        this.#choose(diagram.lanes);
      });
    } catch (cause) {
      this.problem.value = cause instanceof Error ? cause.message : String(cause);
    } finally {
      if (number === this.#runs) this.isBusy.value = false;
    }
  }

  /** Whoever names a moment, or has changed the plan, has seen how it goes on. */
  #isUntold(recording: string): boolean {
    return recording === '' && this.#wantedAt === undefined && this.isOwnPlan.value && this.beside.value === undefined;
  }

  #choose(lanes: readonly string[]): void {
    if (!lanes.includes(this.selected.value ?? '')) this.selected.value = lanes[0];
    if (!lanes.includes(this.peer.value ?? '')) this.peer.value = lanes.find((lane) => lane !== this.selected.value);
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

  #writeUrl(request: LabRequest, at: number | undefined, other: LabRequest | undefined): void {
    if (!location.hash.startsWith('#/lab')) return;
    const { scenario, level, seed, plan } = request;
    const own = isOwnPlan(this.catalogue, request) ? {} : { plan: JSON.stringify(plan) };
    const beside = other === undefined ? {} : { beside: besideText(this.catalogue, other) };
    const moment = at === undefined ? {} : { at };
    history.replaceState(null, '', formatRoute({ page: 'lab', scenario, level, seed, ...moment, ...own, ...beside }));
  }
}

function shownOf(request: LabRequest, result: LabResult): Shown {
  const diagram = layOut(result.events, result.lanes);
  return {
    ...{ request, result, diagram, until: interestingUntil(diagram) },
    timeline: timelineOf(result.events, diagram.lanes),
    orders: ordersOf(result.events, diagram.lanes),
  };
}
