import { drive, GrpError, type Clock, type Driver, type Random } from '@grp/core';
import { masterConfig, serviceConfig, type MasterConfig, type ServiceConfig } from '../config.ts';
import { MasterMachine } from '../master/machine.ts';
import type { CopyFinding, CopyOrder, CopyProblem, DeletionOrder, VerifyOrder } from '../master/types.ts';
import type { MasterEffect, MasterInput } from '../master/types.ts';
import type { DfsMeta } from '../meta/meta.ts';
import type { MetaReply, MetaRequest } from '../messages.ts';
import type { Ack } from '../model.ts';
import type { Membership, ReplicatedLog } from '../ports.ts';
import { RequestMachine } from './request-machine.ts';
import type { LogFailure, RequestEffect, RequestInput } from './requests.ts';

/** How the master reaches file servers. Orders name the life of the server that they are for: another refuses them. */
export interface FileServerOrders {
  /** Resolves with the target's acknowledgement, or with whose fault it was. Never rejects. */
  copy(order: CopyOrder): Promise<Ack | CopyProblem>;
  /** Has the server read its copy again. Never rejects. */
  verify(order: VerifyOrder): Promise<CopyFinding>;
  /** Resolves with true when nothing of it is left that the order covers. Never rejects. */
  remove(order: DeletionOrder): Promise<boolean>;
}

/** What the metadata service of one node runs on. */
export interface MetaServiceOptions {
  readonly log: ReplicatedLog;
  /** The state machine that `log` applies its entries to. */
  readonly meta: DfsMeta;
  readonly membership: Membership;
  readonly orders: FileServerOrders;
  readonly clock: Clock;
  /** Blob ids come from it: `systemRandom` in production. */
  readonly random: Random;
  /** A bug: the node must stop. */
  readonly onFatal: (cause: unknown) => void;
  readonly config?: Partial<ServiceConfig>;
  readonly master?: Partial<MasterConfig>;
  /** Calls back at the end of this turn (`setImmediate`): what arrives in one turn then shares one log entry. */
  readonly defer?: (callback: () => void) => void;
}

/** The metadata service of one node: answers requests, and does the master's work while this node leads the log. */
export interface MetaService {
  /** Never rejects: what went wrong is a reply. */
  answer(request: MetaRequest): Promise<MetaReply>;
  /** The log has begun or ceased to lead, to serve, or knows another leader. Call it after every such change. */
  standingChanged(): void;
  /** Ends the timers; what still waits is answered `failed`. Idempotent. */
  stop(): void;
}

/** @throws GrpError CONFIG_INVALID */
export function createMetaService(options: MetaServiceOptions): MetaService {
  return new Service(options);
}

class Service implements MetaService {
  readonly #options: MetaServiceOptions;
  readonly #requests: Driver<RequestInput>;
  readonly #master: Driver<MasterInput>;
  readonly #waiting = new Map<number, (reply: MetaReply) => void>();
  readonly #ends: (() => void)[];
  #ticket = 0;

  constructor(options: MetaServiceOptions) {
    this.#options = options;
    const { meta, clock, random, onFatal, membership, defer } = options;
    const config = serviceConfig.resolve(options.config);
    const master = new MasterMachine({ meta, config: masterConfig.resolve(options.master), service: config });
    const requests = new RequestMachine({ meta, config, random: random.fork('requests'), free: () => master.free });
    const common = { clock, onFatal, ...(defer && { defer }) };
    this.#master = drive({ ...common, machine: master, perform: (effect) => this.#performMaster(effect) });
    this.#requests = drive({ ...common, machine: requests, perform: (effect) => this.#perform(effect) });
    const tellUp = (): void => void this.#master.push({ type: 'up', servers: membership.up() });
    this.#ends = [meta.onApplied(() => this.#master.push({ type: 'applied' })), membership.onChange(tellUp)];
    tellUp();
    this.standingChanged();
  }

  answer(request: MetaRequest): Promise<MetaReply> {
    const ticket = ++this.#ticket;
    return new Promise((resolve) => {
      this.#waiting.set(ticket, resolve);
      const wallMs = this.#options.clock.wallMs();
      if (!this.#requests.push({ type: 'request', ticket, request, wallMs })) this.#reply(ticket, stopped);
    });
  }

  standingChanged(): void {
    const { log, clock } = this.#options;
    const { leading, serving } = log;
    this.#requests.push({ type: 'standing', leading, serving, leader: log.leader() });
    this.#master.push({ type: 'lead', leading: leading && serving, wallMs: clock.wallMs() });
  }

  stop(): void {
    for (const end of this.#ends) end();
    this.#requests.stop();
    this.#master.stop();
    for (const ticket of [...this.#waiting.keys()]) this.#reply(ticket, stopped);
  }

  #reply(ticket: number, reply: MetaReply): void {
    const resolve = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    resolve?.(reply);
  }

  #perform(effect: RequestEffect): void {
    switch (effect.type) {
      case 'reply':
        return this.#reply(effect.ticket, effect.reply);
      case 'result':
        return void this.#master.push(effect);
      case 'propose':
        return void this.#propose(effect.entry, effect.bytes);
      case 'barrier':
        return void this.#barrier(effect.barrier);
      case 'master':
        return void this.#master.push({ type: 'request', ticket: effect.ticket, request: effect.request });
    }
  }

  #performMaster(effect: MasterEffect): void {
    switch (effect.type) {
      case 'propose':
        return void this.#requests.push({ type: 'command', ticket: effect.ticket, command: effect.command });
      case 'reply':
        return this.#reply(effect.ticket, effect.reply);
      case 'copy':
        return void this.#copy(effect.order);
      case 'verify':
        return void this.#verify(effect.order);
      case 'delete':
        return void this.#delete(effect.order);
    }
  }

  async #propose(entry: number, bytes: Uint8Array): Promise<void> {
    try {
      const answer = await this.#options.log.propose(bytes, {});
      this.#requests.push({ type: 'proposed', entry, answer });
    } catch (cause) {
      this.#requests.push({ type: 'not-proposed', entry, failure: failureOf(cause) });
      this.standingChanged();
    }
  }

  async #barrier(barrier: number): Promise<void> {
    let failure: LogFailure | undefined;
    try {
      await this.#options.log.readBarrier({});
    } catch (cause) {
      failure = failureOf(cause);
      this.standingChanged();
    }
    this.#requests.push({ type: 'barrier', barrier, failure });
  }

  async #copy(order: CopyOrder): Promise<void> {
    const { copy } = order;
    const outcome = await this.#options.orders.copy(order);
    if (typeof outcome === 'string') this.#master.push({ type: 'not-copied', copy, problem: outcome });
    else this.#master.push({ type: 'copied', copy, ack: outcome });
  }

  async #verify(order: VerifyOrder): Promise<void> {
    const finding = await this.#options.orders.verify(order);
    this.#master.push({ type: 'verified', verification: order.verification, finding });
  }

  async #delete(order: DeletionOrder): Promise<void> {
    const { deletion } = order;
    const type = (await this.#options.orders.remove(order)) ? 'deleted' : 'not-deleted';
    this.#master.push({ type, deletion });
  }
}

const stopped: MetaReply = {
  kind: 'failed',
  code: 'DFS_META_UNREACHABLE',
  message: 'this node is stopping',
  outcomeUnknown: true,
};

function failureOf(cause: unknown): LogFailure {
  if (!(cause instanceof GrpError)) return 'unknown';
  if (cause.kind === 'conflict') return 'not-leader';
  if (cause.kind === 'no-quorum') return 'no-quorum';
  return cause.kind === 'failure' && cause.context['retryAfterMs'] !== undefined ? 'busy' : 'unknown';
}
