import type { SpaceTimeEvent } from '@grp/lab';
import { firstFrom } from './diagram.ts';

/** One worker of the wall of colours at an instant. */
export interface WorkerAt {
  readonly node: string;
  readonly colour: string;
  /** Changes that have made the colour. */
  readonly count: number;
  readonly view: number | undefined;
  readonly leads: boolean;
  readonly state: 'running' | 'paused' | 'crashed' | 'outside';
  /** Changes received and not delivered. */
  readonly waiting: number;
}

export interface Moment {
  readonly workers: readonly WorkerAt[];
  /** Any two that live showed one colour after as many changes as the slower one has taken. */
  readonly isEqual: boolean;
  /** How many changes the slowest living worker lacks. */
  readonly behind: number;
}

/** Everything that each worker ever showed, in order of time. */
export type Timeline = ReadonlyMap<string, readonly { readonly at: number; readonly worker: WorkerAt }[]>;

/** Goes through a run once, so that any instant of it can be looked up at once. */
export function timelineOf(events: readonly SpaceTimeEvent[], lanes: readonly string[]): Timeline {
  const tracks = new Map(lanes.map((node) => [node, new Track(node)]));
  const labels = new Map<number, string>();
  const delivered = new Set<string>();
  for (const event of events) if (event.type === 'mark' && event.mark === 'deliver') delivered.add(event.label);
  for (const event of events) {
    if (event.type === 'departure') {
      if (delivered.has(event.label)) labels.set(event.serial, event.label);
    } else if (event.type === 'arrival') {
      const label = labels.get(event.serial);
      if (label !== undefined) tracks.get(event.lane)?.receive(label, event.at);
    } else if (event.lane === '') {
      const [verb = '', node = ''] = event.label.split(' ');
      if (verb === 'pause') tracks.get(node)?.change(event.at, { state: 'paused' });
      if (verb === 'resume') tracks.get(node)?.change(event.at, { state: 'running' });
    } else {
      mark(tracks.get(event.lane), event);
    }
  }
  return new Map([...tracks].map(([node, { steps }]) => [node, steps]));
}

/** What everybody shows at an instant of a run. */
export function momentAt(timeline: Timeline, at: number): Moment {
  const places = [...timeline.values()].map((steps) => ({
    steps,
    index: Math.max(0, firstFrom(steps, at + 1e-6, (step) => step.at) - 1),
  }));
  const workers = places.flatMap(({ steps, index }) => steps[index]?.worker ?? []);
  const living = places.filter(({ steps, index }) => isLiving(steps[index]?.worker));
  const counts = living.map(({ steps, index }) => steps[index]?.worker.count ?? 0);
  return {
    workers,
    isEqual: living.every((one, index) => living.slice(index + 1).every((other) => agree(one, other))),
    behind: living.length === 0 ? 0 : Math.max(...counts) - Math.min(...counts),
  };
}

interface Place {
  readonly steps: readonly { readonly at: number; readonly worker: WorkerAt }[];
  readonly index: number;
}

/** Whether two showed the same colour after as many changes as the slower one has taken. */
function agree(one: Place, other: Place): boolean {
  const count = Math.min(one.steps[one.index]?.worker.count ?? 0, other.steps[other.index]?.worker.count ?? 0);
  const [first, second] = [colourAfter(one, count), colourAfter(other, count)];
  return first === undefined || second === undefined || first === second;
}

/** Undefined: a worker that has taken over a state never showed what came before it. */
function colourAfter({ steps, index }: Place, count: number): string | undefined {
  let back = index;
  while (back > 0 && (steps[back]?.worker.count ?? 0) > count) back--;
  const then = steps[back]?.worker;
  return then?.count === count ? then.colour : undefined;
}

function isLiving(worker: WorkerAt | undefined): boolean {
  return worker?.state === 'running' || worker?.state === 'paused';
}

function mark(track: Track | undefined, event: SpaceTimeEvent & { readonly type: 'mark' }): void {
  if (track === undefined) return;
  const { at, view, worker, label } = event;
  if (event.mark === 'crash') track.change(at, { state: 'crashed', leads: false });
  else if (event.mark === 'deliver') track.deliver(label, at, worker);
  else if (view !== undefined)
    track.change(at, { view: view.id, leads: view.members[0] === event.lane, state: 'running' });
  else if (worker !== undefined) track.change(at, worker);
}

/** One worker through time. */
class Track {
  readonly steps: { at: number; worker: WorkerAt }[];
  readonly #waiting = new Set<string>();
  readonly #delivered = new Set<string>();

  constructor(node: string) {
    const worker = { node, colour: '#000000', count: 0, view: undefined, leads: false, waiting: 0 };
    this.steps = [{ at: -Infinity, worker: { ...worker, state: 'outside' } }];
  }

  receive(label: string, at: number): void {
    if (this.#delivered.has(label) || this.#waiting.has(label)) return;
    this.#waiting.add(label);
    this.change(at, { waiting: this.#waiting.size });
  }

  deliver(label: string, at: number, worker: Partial<WorkerAt> = {}): void {
    this.#delivered.add(label);
    this.#waiting.delete(label);
    this.change(at, { ...worker, waiting: this.#waiting.size });
  }

  change(at: number, change: Partial<WorkerAt>): void {
    const { worker } = this.steps.at(-1) as { worker: WorkerAt };
    this.steps.push({ at, worker: { ...worker, ...change } });
  }
}
