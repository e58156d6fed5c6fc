import { below, drive, type Address, type Driver, type Millis } from '@grp/core';
import {
  type CopyFinding,
  decodeRequest,
  DfsMeta,
  encodeReply,
  masterConfig,
  MasterMachine,
  RequestMachine,
  serviceConfig,
  type MasterConfig,
  type MasterEffect,
  type MasterInput,
  type MetaReply,
  type MetaRules,
  type RepairStatus,
  type RequestEffect,
  type RequestInput,
} from '@grp/dfs';
import type { Host } from '@grp/sim';
import { Caller } from './caller.ts';
import { SimFileServer } from './file-server.ts';
import type { LogReader, SimLog } from './log.ts';
import { Answers, type DfsMessage, type DfsTransport } from './messages.ts';
import type { BlobPlatter } from './store.ts';

export interface DfsNodeOptions {
  readonly host: Host;
  readonly log: SimLog;
  readonly rules: Partial<MetaRules>;
  readonly fences: boolean;
  readonly reports: boolean;
  readonly onStored: () => void;
  /** Above 0: so much later, at most, the network delivers each deletion once more. */
  readonly echoMs: () => Millis;
  readonly platter: BlobPlatter;
  readonly transport: DfsTransport;
  readonly servers: readonly string[];
  readonly address: (name: string) => Address;
  /** File servers that this node believes to run. */
  readonly up: () => readonly string[];
  readonly master: Partial<MasterConfig>;
  readonly onFatal: (name: string, cause: unknown) => void;
  readonly count: (what: string) => void;
}

const detectMs = 100;

/** One life of a node: production's metadata, service and master machines, on a simulated log, beside a file server. */
export class DfsNode implements LogReader {
  readonly meta: DfsMeta;
  readonly files: SimFileServer;
  readonly #options: DfsNodeOptions;
  readonly #answers: Answers;
  readonly #requests: Driver<RequestInput>;
  readonly #master: Driver<MasterInput>;
  readonly #machine: MasterMachine;
  readonly #askers = new Map<number, { readonly to: Address; readonly id: number }>();
  #ticket = 0;
  appliedIndex: number;

  constructor(options: DfsNodeOptions) {
    this.#options = options;
    const { host, log, rules, transport, servers, address, platter, fences, reports, onStored, count, onFatal } =
      options;
    const { clock, random, name } = host;
    this.#answers = new Answers(host.incarnation);
    this.meta = new DfsMeta({}, rules);
    this.appliedIndex = log.restore(this.meta);
    const service = serviceConfig.resolve({ requestTimeoutMs: 400 });
    this.#machine = new MasterMachine({ meta: this.meta, config: masterConfig.resolve(options.master), service });
    const common = { clock, onFatal: (cause: unknown) => onFatal(name, cause) };
    this.#master = drive({ ...common, machine: this.#machine, perform: (effect) => this.#performMaster(effect) });
    const machine = new RequestMachine({
      meta: this.meta,
      config: service,
      random: random.fork('requests'),
      free: () => this.#machine.free,
    });
    this.#requests = drive({ ...common, machine, perform: (effect) => this.#perform(effect) });
    transport.onReceive((from, message) => this.#receive(from, message));
    const send = transport.send.bind(transport);
    const caller = new Caller({ clock, random: random.fork('caller'), answers: this.#answers, send, servers, address });
    const files = { host, platter, answers: this.#answers, caller, send, fences, reports, onStored, count };
    const locate = (text: string): Address => text as Address;
    this.files = new SimFileServer({ ...files, address: transport.self, locate });
    // Not before this life counts as running.
    clock.wakeAt(clock.now(), () => this.#detect());
  }

  apply(index: number, entry: Uint8Array): Uint8Array {
    const answer = this.meta.apply(entry, index);
    this.appliedIndex = index;
    this.#master.push({ type: 'applied' });
    return answer;
  }

  standing(leading: boolean, leader: string | undefined): void {
    this.#requests.push({ type: 'standing', leading, serving: true, leader });
    this.#master.push({ type: 'lead', leading, wallMs: this.#options.host.clock.wallMs() });
  }

  status(): RepairStatus {
    return this.#machine.status();
  }

  #receive(from: Address, message: DfsMessage): void {
    if (this.#answers.take(message)) return;
    if (message.type !== 'ask') return this.files.receive(from, message);
    const request = decodeRequest(message.request);
    if (request === undefined) return;
    const ticket = ++this.#ticket;
    this.#askers.set(ticket, { to: from, id: message.id });
    this.#requests.push({ type: 'request', ticket, request, wallMs: this.#options.host.clock.wallMs() });
  }

  #reply(ticket: number, reply: MetaReply): void {
    const asker = this.#askers.get(ticket);
    if (asker === undefined) return;
    this.#askers.delete(ticket);
    this.#options.transport.send(asker.to, { type: 'told', id: asker.id, reply: encodeReply(reply) });
  }

  #perform(effect: RequestEffect): void {
    const { log, host } = this.#options;
    switch (effect.type) {
      case 'reply':
        return this.#reply(effect.ticket, effect.reply);
      case 'result':
        return void this.#master.push(effect);
      case 'master':
        return void this.#master.push({ type: 'request', ticket: effect.ticket, request: effect.request });
      case 'barrier':
        return log.barrier(host.name, (failure) =>
          this.#fromLog({ type: 'barrier', barrier: effect.barrier, failure }),
        );
      case 'propose': {
        const { entry } = effect;
        return log.propose(host.name, effect.bytes, (answer) =>
          this.#fromLog(
            typeof answer === 'string'
              ? { type: 'not-proposed', entry, failure: answer }
              : { type: 'proposed', entry, answer },
          ),
        );
      }
    }
  }

  /** The log is no part of the network: whoever is dead or stopped hears nothing of it. */
  #fromLog(input: RequestInput): void {
    this.#options.host.clock.wakeAt(this.#options.host.clock.now(), () => this.#requests.push(input));
  }

  #performMaster(effect: MasterEffect): void {
    switch (effect.type) {
      case 'propose':
        return void this.#requests.push({ type: 'command', ticket: effect.ticket, command: effect.command });
      case 'reply':
        return this.#reply(effect.ticket, effect.reply);
      case 'copy':
      case 'verify':
      case 'delete':
        return this.#order(effect);
    }
  }

  #order(effect: Extract<MasterEffect, { type: 'copy' | 'verify' | 'delete' }>): void {
    const { transport, count } = this.#options;
    count({ copy: 'copies-ordered', verify: 'copies-verified', delete: 'deletions-ordered' }[effect.type]);
    const id = this.#answers.expect((message) => {
      this.#answers.forget(id);
      const input = this.#outcome(effect, message);
      if (input !== undefined) this.#master.push(input);
    });
    const to = (effect.type === 'copy' ? effect.order.to : effect.order.at).address as Address;
    if (effect.type === 'copy') transport.send(to, { type: 'copy', id, order: effect.order });
    else if (effect.type === 'verify') transport.send(to, { type: 'check', id, blob: effect.order.blob });
    else this.#sendDeletion(to, { type: 'delete', id, order: effect.order });
  }

  #sendDeletion(to: Address, message: DfsMessage): void {
    const { transport, host, echoMs, count } = this.#options;
    transport.send(to, message);
    const within = echoMs();
    if (within === 0) return;
    host.clock.wakeAt(host.clock.now() + 30 + below(host.random, within), () => {
      count('echoes');
      transport.send(to, message);
    });
  }

  #outcome(
    effect: Extract<MasterEffect, { type: 'copy' | 'verify' | 'delete' }>,
    message: DfsMessage,
  ): MasterInput | undefined {
    if (effect.type === 'verify') {
      const { verification, sha256 } = effect.order;
      return { type: 'verified', verification, finding: findingOf(message, sha256) };
    }
    if (effect.type === 'delete') {
      const { deletion } = effect.order;
      return { type: message.type === 'deleted' ? 'deleted' : 'not-deleted', deletion };
    }
    const { copy } = effect.order;
    if (message.type === 'copied') return { type: 'copied', copy, ack: message.ack };
    return message.type === 'not-copied' ? { type: 'not-copied', copy, problem: message.problem } : undefined;
  }

  #detect(): void {
    const { host, up, log } = this.#options;
    this.#master.push({ type: 'up', servers: up() });
    log.greet(host.name, false);
    log.pump(host.name);
    host.clock.wakeAt(host.clock.now() + detectMs, () => this.#detect());
  }
}

/** What a server's answer to a check says of its copy. */
function findingOf(message: DfsMessage, sha256: string): CopyFinding {
  if (message.type === 'digest') return message.sha256 === sha256 ? 'intact' : 'bad';
  return message.type === 'unread' && message.problem !== 'unreachable' ? 'bad' : 'unknown';
}
