import type { Address, Logger, NodeId } from '@grp/core';
import { createGroup, createHeartbeatDetector, type GmsConfig, type GroupHandle, type HeartbeatConfig } from '@grp/gms';
import type { Delivery, DeliveryLevel, StateTransfer } from '@grp/gms';
import { createLinks, type LinkSettings } from '@grp/link';
import { createWorld, type GroupEvent, type Host, type World, type WorldOptions } from '@grp/sim';

/** The port of groups in simulated worlds, as in real nodes. */
export const gmsPort = 7_947;

/** A simulated cluster of groups, and who hears of its events. */
export interface GmsClusterOptions {
  readonly seed: number | string;
  readonly nodeCount: number;
  readonly network?: NonNullable<WorldOptions<GmsMember>['network']>;
  readonly delivery?: DeliveryLevel;
  readonly config?: Partial<GmsConfig>;
  readonly heartbeat?: Partial<HeartbeatConfig>;
  readonly links?: Partial<LinkSettings>;
  readonly onEvent?: (event: GroupEvent) => void;
  readonly trace?: NonNullable<WorldOptions<GmsMember>['trace']>;
}

/** Quicker than the defaults, so that a minute of virtual time sees many failovers. */
const quick = { intervalMs: 100, suspectMs: 1_000, hintMs: 400 };

/** One life of one group member in the simulator, with an application whose state is the row of messages itself. */
export class GmsMember {
  readonly group: GroupHandle;
  readonly id: NodeId;
  #row: string[] = [];
  #digest = 0;
  #incoming = '';
  #sent = 0;
  /** A state that came: told with the view that follows, because it counts for those who go on from that view. */
  #received: GroupEvent | undefined;
  readonly #tell: (event: GroupEvent) => void;
  readonly #now: () => number;

  constructor(host: Host, options: GmsClusterOptions, now: () => number) {
    const { delivery = 'agreed', config, heartbeat, links: linkSettings, onEvent = () => {} } = options;
    this.id = `${host.name}#${host.incarnation}` as NodeId;
    this.#tell = onEvent;
    this.#now = now;
    const { clock, random } = host;
    const transport = host.transport(gmsPort);
    const links = createLinks({ transport, clock, random, ...(linkSettings && { config: linkSettings }) });
    const detector = createHeartbeatDetector({ links, id: this.id, clock, config: { ...quick, ...heartbeat } });
    const defer = (run: () => void): void => void clock.wakeAt(clock.now(), run);
    const ports = { links: detector.links, detector, clock, random, logger: this.#logger(host.logger), defer };
    const state = this.#state();
    this.group = createGroup(ports, { name: host.name, id: this.id, delivery, state, ...(config && { config }) });
    this.#listen();
    this.#tell({ type: 'start', at: now(), node: this.id });
  }

  /** The messages so far, those of a received state included. */
  get row(): readonly string[] {
    return this.#row;
  }

  join(seeds: readonly Address[]): void {
    this.group.join(seeds, { timeoutMs: 3_000_000 }).catch(() => {});
  }

  /** False: the group takes none now. */
  post(): boolean {
    const message = `${this.id}:${this.#sent + 1}`;
    try {
      if (!this.group.post(new TextEncoder().encode(message))) return false;
    } catch {
      return false; // not in the group, or cut off
    }
    this.#sent++;
    this.#tell({ type: 'send', at: this.#now(), node: this.id, message });
    return true;
  }

  leave(): void {
    this.#tell({ type: 'leave', at: this.#now(), node: this.id });
    this.group.leave().catch(() => {});
  }

  #listen(): void {
    const { group, id: node } = this;
    group.on('message', (delivery) => this.#deliver(delivery));
    group.on('view', ({ view }) => {
      const members = view.members.map(({ id }) => id as string);
      this.#tell({
        type: 'install',
        at: this.#now(),
        node,
        view: { id: view.id, members, leader: members[0] as string },
      });
      if (this.#received !== undefined) this.#tell(this.#received);
      this.#received = undefined;
    });
    group.on('excluded', () => this.#tell({ type: 'exclude', at: this.#now(), node }));
  }

  #deliver({ sequence, view, sender, payload }: Delivery): void {
    const message = new TextDecoder().decode(payload);
    this.#take(message);
    const digest = `${this.#row.length}:${this.#digest}`;
    this.#tell({ type: 'deliver', at: this.#now(), node: this.id, message, sender, view, sequence, digest });
  }

  #take(message: string): void {
    this.#row.push(message);
    for (let index = 0; index < message.length; index++)
      this.#digest = Math.imul(this.#digest ^ message.charCodeAt(index), 0x01000193);
  }

  #state(): StateTransfer {
    return {
      capture: () => {
        const text = JSON.stringify({ row: this.#row, view: this.group.view?.id });
        const pieces = text.match(/.{1,4096}/gs) ?? [];
        return pieces.map((piece) => new TextEncoder().encode(piece));
      },
      restore: () => Promise.resolve(), // never called: there is `restoreChunk`
      restoreChunk: (chunk, { isFirst, isLast }) => {
        this.#incoming = (isFirst ? '' : this.#incoming) + new TextDecoder().decode(chunk);
        if (isLast) this.#restore();
      },
    };
  }

  #restore(): void {
    const { row, view } = JSON.parse(this.#incoming) as { row: string[]; view: number };
    this.#row = [];
    this.#digest = 0;
    for (const message of row) this.#take(message);
    const digest = `${row.length}:${this.#digest}`;
    this.#received = { type: 'state', at: this.#now(), node: this.id, view, sequence: row.length, digest };
  }

  // A leader says once in each view that it begins to order.
  #logger(logger: Logger): Logger {
    return {
      log: (level, event, fields) => {
        if (event === 'gms.leads')
          this.#tell({ type: 'order', at: this.#now(), node: this.id, view: Number(fields?.['view']) });
        logger.log(level, event, fields);
      },
    };
  }
}

/** A world of group members `n1` … `nN` over `@grp/link`: the first one founds the group, all others join it. */
export function createGmsCluster(options: GmsClusterOptions): World<GmsMember> {
  const { seed, nodeCount, network, trace } = options;
  const names = Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`);
  const world = createWorld<GmsMember>({
    seed,
    ...(network && { network }),
    ...(trace && { trace }),
    start: (host) => {
      const member = new GmsMember(host, options, () => world.now);
      const isFounder = host.name === 'n1' && host.incarnation === 1;
      const others = names.filter((name) => name !== host.name && world.names.includes(name));
      member.join(isFounder ? [] : others.map((name) => world.address(name, gmsPort)));
      return member;
    },
  });
  for (const name of names) world.addNode(name);
  return world;
}
