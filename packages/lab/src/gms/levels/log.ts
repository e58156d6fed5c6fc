import { History, groupCheckers, type GroupDelivery, type GroupEvent, type Violation } from '@grp/sim';
import type { Mark, SpaceTimeEvent } from '../../spacetime/events.ts';
import type { Evidence } from './divergence.ts';
import type { Told } from './member.ts';
import { freshWorker, type ColourChange, type WorkerState } from './messages.ts';

/** What one member has told so far. */
export interface MemberLog {
  view: { readonly id: number; readonly members: readonly string[] } | undefined;
  worker: WorkerState;
  base: number;
  readonly row: ColourChange[];
  /** Sent, and not yet delivered by itself. */
  readonly waiting: Set<string>;
}

export interface RunLogOptions {
  readonly delivery: GroupDelivery;
  readonly withinMs: number;
  /** Writes into the trace of the world, so that its hash covers what members delivered. */
  readonly note: (text: string) => void;
}

const eventsMax = 200_000;

/** Takes down what members tell: for the checkers, for the trace, and for the question where workers part. */
export class RunLog {
  readonly events: SpaceTimeEvent[] = [];
  readonly members = new Map<string, MemberLog>();
  readonly crashed = new Set<string>();
  sent = 0;
  transmitted = 0;
  readonly #history: History<GroupEvent>;
  readonly #orders: { readonly node: string; readonly message: string }[] = [];
  readonly #reached = new Map<string, number>();
  readonly #note: (text: string) => void;

  constructor({ delivery, withinMs, note }: RunLogOptions) {
    // Without a majority rule, because the levels trust their detector; each lost majority shows in other checkers.
    const checkers = groupCheckers({ delivery, quorum: 'none', withinMs });
    this.#history = new History<GroupEvent>({ checkers, keepMax: 0 });
    this.#note = note;
  }

  of(node: string): MemberLog {
    let member = this.members.get(node);
    if (member === undefined) {
      member = { view: undefined, worker: freshWorker, base: 0, row: [], waiting: new Set() };
      this.members.set(node, member);
    }
    return member;
  }

  /** The group is formed, and time begins: of what was before only the views in force are told. */
  formed(): void {
    const views = new Map<string, SpaceTimeEvent>();
    for (const event of this.events)
      if (event.type === 'mark' && event.view !== undefined) views.set(event.lane, event);
    this.events.splice(0, this.events.length, ...[...views.values()].map((event) => ({ ...event, at: 0 })));
    this.transmitted = 0;
  }

  start(node: string, at: number): void {
    this.of(node);
    this.#history.record({ type: 'start', node, at });
  }

  crash(node: string, at: number): void {
    this.crashed.add(node);
    this.#history.record({ type: 'crash', node, at });
    this.#mark(node, at, 'crash', 'crash');
  }

  suspect(node: string, member: string, at: number): void {
    this.#mark(node, at, 'suspect', `${member} down`);
  }

  trouble(label: string, at: number): void {
    this.#mark('', at, 'trouble', label);
  }

  calm(at: number): void {
    this.#history.record({ type: 'calm', at });
  }

  finish(): readonly Violation[] {
    return this.#history.finish();
  }

  get evidence(): Evidence {
    return { events: this.events, orders: this.#orders, crashed: this.crashed, reached: this.#reached };
  }

  tell(node: string, at: number, told: Told): void {
    const member = this.of(node);
    switch (told.type) {
      case 'transmit': {
        const { to, serial, label, kind, number } = told;
        this.transmitted++;
        this.#keep({
          type: 'departure',
          at,
          lane: node,
          to,
          serial,
          label,
          kind,
          ...(number !== undefined && { number }),
        });
        return;
      }
      case 'receive':
        this.#keep({ type: 'arrival', at, lane: node, from: told.from, serial: told.serial });
        return;
      case 'exclude':
        this.#history.record({ type: 'exclude', at, node });
        this.#mark(node, at, 'trouble', 'excluded');
        return;
      case 'send':
        this.sent++;
        member.waiting.add(told.message.id);
        this.#mark(node, at, 'send', told.message.id);
        this.#history.record({ type: 'send', at, node, message: told.message.id, payload: told.message.change });
        return;
      case 'order':
        this.#orders.push({ node, message: told.message.id });
        this.#history.record({ type: 'order', at, node, view: told.view });
        return;
      default:
        this.#advance(member, node, at, told);
    }
  }

  #advance(member: MemberLog, node: string, at: number, told: Told & { type: 'deliver' | 'install' | 'state' }): void {
    const place = told.sequence === undefined ? {} : { sequence: told.sequence };
    if (told.sequence !== undefined) this.#reached.set(node, told.sequence);
    if (told.type === 'install') {
      member.view = told.view;
      this.#history.record({ type: 'install', at, node, view: told.view, ...place });
      const { id, members } = told.view;
      this.#mark(node, at, 'view', `view ${id}`, { view: { id, members } });
      this.#note(`${node} view ${told.view.id} ${told.view.members.join()}`);
      return;
    }
    member.worker = told.worker;
    const shown = { colour: hexOf(told.worker), count: told.worker.count };
    const digest = `${shown.colour}@${shown.count}`;
    if (told.type === 'state') {
      member.base = told.worker.count;
      member.row.length = 0;
      if (told.sequence !== undefined)
        this.#history.record({ type: 'state', at, node, view: told.view, sequence: told.sequence, digest });
      this.#mark(node, at, 'state', `state ${told.worker.count}`, { worker: shown });
      this.#note(`${node} state ${digest}`);
      return;
    }
    const { message, view } = told;
    member.row.push(message);
    if (message.sender === node) member.waiting.delete(message.id);
    const { id, sender, change: payload } = message;
    this.#history.record({ type: 'deliver', at, node, message: id, sender, view, payload, digest, ...place });
    this.#mark(node, at, 'deliver', id, { worker: shown });
    this.#note(`${node} deliver ${id} ${digest}`);
  }

  #mark(lane: string, at: number, mark: Mark['mark'], label: string, more: Pick<Mark, 'worker' | 'view'> = {}): void {
    this.#keep({ type: 'mark', at, lane, mark, label, ...more });
  }

  #keep(event: SpaceTimeEvent): void {
    if (this.events.length < eventsMax) this.events.push(event);
  }
}

/** `#rrggbb`. */
export function hexOf({ colour }: WorkerState): string {
  return `#${colour.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}
