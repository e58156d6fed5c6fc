import { Deadlines, type Machine, type Millis, type Wake } from '@grp/core';
import type { MasterConfig, ServiceConfig } from '../config.ts';
import type { Command, Result } from '../meta/commands.ts';
import type { DfsMeta } from '../meta/meta.ts';
import type { FreeBytes } from '../meta/reads.ts';
import type { MetaState } from '../meta/state.ts';
import type { Heartbeat, MetaReply } from '../messages.ts';
import type { FileServer, RepairStatus, ServerId } from '../model.ts';
import type { MasterRequest } from '../service/requests.ts';
import type { MasterContext } from './context.ts';
import { Repair } from './repair.ts';
import { Reports } from './reports.ts';
import type { MasterEffect, MasterInput } from './types.ts';
import { Deletions, dropExcess, purgeRemoved, rebalance } from './upkeep.ts';
import { Verifications } from './verifications.ts';

/** What the machine of the master is made with. */
export interface MasterOptions {
  readonly meta: DfsMeta;
  readonly config: MasterConfig;
  readonly service: Pick<ServiceConfig, 'reserveBytes'>;
}

const restMs = 10;

/**
 * The master: whoever leads the metadata's log. It watches the servers, has the log declare dead what is away for longer
 * than the grace, has missing replicas made, and superfluous ones and old versions deleted. All that it knows by itself
 * it may forget: the next master begins from the log alone.
 */
export class MasterMachine implements Machine<MasterInput, MasterEffect> {
  readonly #options: MasterOptions;
  readonly #free = new Map<ServerId, number>();
  readonly #proposals = new Map<string, number>();
  readonly #tickets = new Map<
    number,
    { readonly key: string; readonly onResult: ((result: Result | undefined) => void) | undefined }
  >();
  /** Proposals that have just ended: the same is not proposed again at once, or a log that refuses would be asked for ever. */
  readonly #rests = new Deadlines<string>();
  readonly #absentSince = new Map<ServerId, Millis>();
  #up: ReadonlySet<ServerId> | undefined;
  #isLeading = false;
  #wallOffset = 0;
  #repair: Repair;
  #deletions = new Deletions();
  #reports = new Reports();
  #verifications = new Verifications();
  #rebalanceAt: Millis = 0;
  #number = 0;
  #now: Millis = 0;
  #wakeAt: Millis | undefined;
  #effects: MasterEffect[] = [];
  readonly #context: MasterContext;

  constructor(options: MasterOptions) {
    this.#options = options;
    this.#repair = new Repair(options.config.repairBurstBytes);
    this.#context = this.#makeContext();
  }

  /** Room of the servers, as they last told. */
  get free(): FreeBytes {
    return this.#free;
  }

  step(inputs: readonly (MasterInput | Wake)[], now: Millis): readonly MasterEffect[] {
    this.#effects = [];
    this.#now = now;
    this.#wakeAt = undefined;
    while (this.#rests.takeDue(now) !== undefined);
    for (const input of inputs) this.#take(input);
    if (this.#isLeading) this.#work();
    return this.#effects;
  }

  nextDeadline(): Millis | undefined {
    return this.#isLeading ? this.#wakeAt : undefined;
  }

  /** What is missing and under way, by this node's copy of the metadata. */
  status(): RepairStatus {
    const { state } = this.#context;
    const servers = [...state.servers.values()].map((server) => this.#view(server.id) as FileServer);
    const possible = Math.max(1, this.#context.liveServers().length);
    let [underReplicated, lost] = [0, 0];
    for (const blob of state.deficient) {
      const { holders, replicas } = state.blobs.get(blob) ?? { holders: [], replicas: 0 };
      if (holders.length === 0) lost++;
      if (holders.length < Math.min(replicas, possible)) underReplicated++;
    }
    const copying = this.#repair.copying;
    const idle = underReplicated === 0 && copying === 0 && state.deletionCount === 0 && this.#absentSince.size === 0;
    return {
      idle,
      files: state.files.size - state.removed.size,
      versions: state.versionCount,
      blobs: state.blobs.size,
      underReplicated,
      lost,
      copying,
      copiesDone: this.#repair.copiesDone,
      copyBytesDone: this.#repair.copyBytesDone,
      deletionsPending: state.deletionCount,
      rotReported: this.#verifications.reported,
      servers,
    };
  }

  #take(input: MasterInput | Wake): void {
    switch (input.type) {
      case 'lead':
        return this.#onLead(input.leading, input.wallMs);
      case 'up':
        this.#up = new Set(input.servers);
        return;
      case 'request':
        this.#effects.push({ type: 'reply', ticket: input.ticket, reply: this.#answer(input.request) });
        return;
      case 'result':
        return this.#onResult(input.ticket, input.result);
      case 'copied':
        return this.#repair.copied(this.#context, input.copy, input.ack);
      case 'not-copied':
        return this.#repair.failed(this.#context, input.copy, input.problem);
      case 'verified':
        return this.#verifications.found(input.verification, input.finding);
      case 'deleted':
        return this.#deletions.done(this.#context, input.deletion);
      case 'not-deleted':
        return this.#deletions.failed(this.#context, input.deletion);
      case 'applied':
      case 'wake':
    }
  }

  #onLead(leading: boolean, wallMs: number): void {
    this.#wallOffset = wallMs - this.#now;
    if (leading === this.#isLeading) return;
    this.#isLeading = leading;
    this.#free.clear();
    this.#proposals.clear();
    this.#tickets.clear();
    this.#absentSince.clear();
    while (this.#rests.takeDue(Infinity) !== undefined);
    this.#repair = new Repair(this.#options.config.repairBurstBytes);
    this.#deletions = new Deletions();
    this.#reports = new Reports();
    this.#verifications = new Verifications();
  }

  #answer(request: MasterRequest): MetaReply {
    if (!this.#isLeading) return { kind: 'not-leader' };
    if (request.kind === 'heartbeat') return this.#onHeartbeat(request);
    if (request.kind === 'hold-report') return this.#reports.onHoldReport(this.#context, request);
    if (request.kind === 'rot-report') return this.#verifications.onReport(this.#context, request);
    return { kind: 'repair-status-reply', status: this.status() };
  }

  #onHeartbeat({ node, incarnation, freeBytes }: Heartbeat): MetaReply {
    const { state } = this.#context;
    // A master that was deposed, and does not know it, may not have heard of this life.
    if (incarnation > state.position) return { kind: 'not-leader' };
    if (!state.isCurrent(node, incarnation)) return { kind: 'expelled' };
    this.#free.set(node, freeBytes);
    return { kind: 'alive', epoch: state.position };
  }

  #onResult(ticket: number, result: Result | undefined): void {
    const proposal = this.#tickets.get(ticket);
    if (proposal === undefined) return;
    this.#tickets.delete(ticket);
    this.#proposals.delete(proposal.key);
    const { retryMs } = this.#options.config;
    this.#rests.set(proposal.key, this.#now + (result === undefined ? retryMs / 10 : restMs));
    proposal.onResult?.(result);
  }

  #work(): void {
    this.#watch();
    this.#verifications.work(this.#context);
    this.#repair.work(this.#context);
    this.#deletions.work(this.#context);
    dropExcess(this.#context);
    if (this.#now < this.#rebalanceAt) return this.#context.wakeAt(this.#rebalanceAt);
    this.#rebalanceAt = this.#now + this.#options.config.rebalanceIntervalMs;
    this.#context.wakeAt(this.#rebalanceAt);
    rebalance(this.#context, this.#repair);
    purgeRemoved(this.#context, this.#now + this.#wallOffset);
  }

  /** Who is away for longer than the grace is declared dead by an entry; until then nothing is decided. */
  #watch(): void {
    if (this.#up === undefined) return;
    for (const { id, up, incarnation } of this.#context.state.servers.values()) {
      if (!up || this.#up.has(id)) {
        this.#absentSince.delete(id);
        continue;
      }
      const since = this.#absentSince.get(id) ?? this.#now;
      this.#absentSince.set(id, since);
      const at = since + this.#options.config.graceMs;
      if (at <= this.#now) this.#context.propose(`down ${id}`, { kind: 'down', node: id, incarnation });
      else this.#context.wakeAt(at);
    }
  }

  #view(id: ServerId): FileServer | undefined {
    const server = this.#options.meta.state.servers.get(id);
    if (server === undefined) return undefined;
    const { incarnation, address, zone, up } = server;
    return { id, incarnation, address, zone, up, freeBytes: this.#free.get(id) ?? Number.MAX_SAFE_INTEGER };
  }

  #propose(key: string, command: Command, onResult?: (result: Result | undefined) => void): void {
    if (this.#proposals.has(key)) return;
    const restsUntil = this.#rests.get(key);
    if (restsUntil !== undefined) return this.#context.wakeAt(restsUntil);
    const ticket = ++this.#number;
    this.#proposals.set(key, ticket);
    this.#tickets.set(ticket, { key, onResult });
    this.#effects.push({ type: 'propose', ticket, command });
  }

  #makeContext(): MasterContext {
    const { config, service, meta } = this.#options;
    // Getters, because time goes on, and a snapshot may put another state in place.
    const [now, state] = [() => this.#now, (): MetaState => meta.state];
    const server = (id: ServerId): FileServer | undefined => {
      const view = this.#view(id);
      return view?.up === true && this.#up?.has(id) !== false ? view : undefined;
    };
    return {
      config,
      reserveBytes: service.reserveBytes,
      get state() {
        return state();
      },
      get now() {
        return now();
      },
      number: () => ++this.#number,
      emit: (effect) => void this.#effects.push(effect),
      propose: (key, command, onResult) => this.#propose(key, command, onResult),
      isProposed: (key) => this.#proposals.has(key),
      verify: (copy) => void this.#verifications.onReport(this.#context, copy),
      wakeAt: (at) => {
        // Whatever is due has just been looked at: a deadline that cannot be met yet must not spin.
        this.#wakeAt = Math.min(this.#wakeAt ?? Infinity, Math.max(at, this.#now + 1));
      },
      server,
      liveServers: () => [...state().servers.keys()].flatMap((id) => server(id) ?? []),
    };
  }
}
