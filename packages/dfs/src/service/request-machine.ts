import { Deadlines, type Machine, type Millis, type Random, type Wake } from '@grp/core';
import type { ServiceConfig } from '../config.ts';
import type { Command, Result } from '../meta/commands.ts';
import { decodeResults, encodeCommands } from '../meta/command-codec.ts';
import type { DfsMeta } from '../meta/meta.ts';
import { listFiles, lookup, stat, versionsOf, viewOf, type FreeBytes } from '../meta/reads.ts';
import { writeQuorumOf } from '../meta/records.ts';
import type { MetaReply, MetaRequest, OpenPut } from '../messages.ts';
import type { ServerView } from '../model.ts';
import { blobIdFrom } from '../blob-id.ts';
import { placeReplicas } from '../placement.ts';
import { requestProblem } from '../validate.ts';
import { commandOf, failureReply, isMasterRequest, replyOf } from './translate.ts';
import type { LogFailure, RequestEffect, RequestInput } from './requests.ts';

/** What the machine of requests is made with. */
export interface RequestMachineOptions {
  readonly meta: DfsMeta;
  readonly config: ServiceConfig;
  readonly random: Random;
  /** Room of the servers, as the master of this node knows it. */
  readonly free: () => FreeBytes;
}

/** Who waits for the result of a command: a request, or the master when there is none. */
interface Waiter {
  readonly ticket: number;
  readonly command: Command;
  readonly request: MetaRequest | undefined;
}

interface Reader {
  readonly ticket: number;
  readonly request: MetaRequest;
}

/**
 * Answers requests from the copy of the metadata on this node. Commands that arrive while others are on their way share
 * the next log entry; reads that arrive while a read barrier is on its way share the next one (ReadIndex, Ongaro 2014
 * §6.4). Both cost one round trip for however many requests.
 */
export class RequestMachine implements Machine<RequestInput, RequestEffect> {
  readonly #options: RequestMachineOptions;
  readonly #deadlines = new Deadlines<string>();
  readonly #entries = new Map<number, readonly Waiter[]>();
  readonly #barriers = new Map<number, readonly Reader[]>();
  #waiting: Waiter[] = [];
  #reading: Reader[] = [];
  #number = 0;
  #waitingCount = 0;
  #standing: Omit<Extract<RequestInput, { type: 'standing' }>, 'type'> = {
    leading: false,
    serving: false,
    leader: undefined,
  };
  #effects: RequestEffect[] = [];

  constructor(options: RequestMachineOptions) {
    this.#options = options;
  }

  /** Requests that have no answer yet. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  step(inputs: readonly (RequestInput | Wake)[], now: Millis): readonly RequestEffect[] {
    this.#effects = [];
    for (const input of inputs) this.#take(input);
    for (let key = this.#deadlines.takeDue(now); key !== undefined; key = this.#deadlines.takeDue(now))
      this.#onTimeout(key);
    this.#sendEntries(now);
    this.#sendBarrier(now);
    return this.#effects;
  }

  nextDeadline(): Millis | undefined {
    return this.#deadlines.earliest();
  }

  #take(input: RequestInput | Wake): void {
    switch (input.type) {
      case 'request':
        return this.#onRequest(input.ticket, input.request, input.wallMs);
      case 'command':
        return void this.#waiting.push({ ticket: input.ticket, command: input.command, request: undefined });
      case 'proposed':
        return this.#onProposed(input.entry, input.answer);
      case 'not-proposed':
        return this.#failEntry(input.entry, input.failure);
      case 'barrier':
        return this.#onBarrier(input.barrier, input.failure);
      case 'standing':
        this.#standing = input;
        return;
      case 'wake':
    }
  }

  #onRequest(ticket: number, request: MetaRequest, wallMs: number): void {
    const problem = requestProblem(request);
    if (problem !== undefined) {
      const { code } = problem;
      return this.#give(ticket, { kind: 'failed', code, message: problem.problem, outcomeUnknown: false });
    }
    if (!this.#standing.serving) return this.#give(ticket, failureReply('not-leader', this.#standing.leader));
    if (isMasterRequest(request)) {
      if (this.#standing.leading) this.#effects.push({ type: 'master', ticket, request });
      else this.#give(ticket, failureReply('not-leader', this.#standing.leader));
      return;
    }
    if (request.kind === 'servers')
      return this.#give(ticket, { kind: 'servers-listed', view: viewOf(this.#state, this.#options.free()) });
    if (request.kind === 'open-put' && request.ifVersion === undefined && request.ifAbsent !== true)
      return this.#give(ticket, this.#place(request));
    this.#queue(ticket, request, wallMs);
  }

  #queue(ticket: number, request: MetaRequest, wallMs: number): void {
    const { replicasDefault, requestsWaitingMax } = this.#options.config;
    if (this.#waitingCount >= requestsWaitingMax)
      return this.#give(ticket, failureReply('busy', this.#standing.leader));
    this.#waitingCount++;
    const command = commandOf(request, { replicasDefault, wallMs });
    if (command === undefined) this.#reading.push({ ticket, request });
    else this.#waiting.push({ ticket, command, request });
  }

  #sendEntries(now: Millis): void {
    const { entriesInFlightMax, entryCommandsMax, requestTimeoutMs } = this.#options.config;
    while (this.#waiting.length > 0 && this.#entries.size < entriesInFlightMax) {
      const waiters = this.#waiting.splice(0, entryCommandsMax);
      const entry = ++this.#number;
      this.#entries.set(entry, waiters);
      this.#deadlines.set(`entry ${entry}`, now + requestTimeoutMs);
      this.#effects.push({ type: 'propose', entry, bytes: encodeCommands(waiters.map(({ command }) => command)) });
    }
  }

  #sendBarrier(now: Millis): void {
    // One at a time: what arrives meanwhile shares the next, which is asked for after it has arrived, as it must be.
    if (this.#reading.length === 0 || this.#barriers.size > 0) return;
    const barrier = ++this.#number;
    this.#barriers.set(barrier, this.#reading);
    this.#reading = [];
    this.#deadlines.set(`barrier ${barrier}`, now + this.#options.config.requestTimeoutMs);
    this.#effects.push({ type: 'barrier', barrier });
  }

  #onProposed(entry: number, answer: Uint8Array): void {
    const waiters = this.#takeEntry(entry);
    const results = decodeResults(answer);
    for (const [index, waiter] of waiters.entries()) this.#finish(waiter, results?.[index], 'unknown');
  }

  #failEntry(entry: number, failure: LogFailure): void {
    for (const waiter of this.#takeEntry(entry)) this.#finish(waiter, undefined, failure);
  }

  #takeEntry(entry: number): readonly Waiter[] {
    const waiters = this.#entries.get(entry) ?? [];
    this.#entries.delete(entry);
    this.#deadlines.delete(`entry ${entry}`);
    return waiters;
  }

  #finish({ ticket, request }: Waiter, result: Result | undefined, failure: LogFailure): void {
    if (request === undefined) return void this.#effects.push({ type: 'result', ticket, result });
    this.#waitingCount--;
    const view = (): ServerView => viewOf(this.#state, this.#options.free());
    const reply = result === undefined ? undefined : replyOf(request, result, view);
    const changedAt = this.#state.serversChangedAt;
    if (reply?.kind === 'committed') this.#give(ticket, { ...reply, serversChangedAt: changedAt });
    else this.#give(ticket, reply ?? failureReply(failure, this.#standing.leader));
  }

  #onBarrier(barrier: number, failure: LogFailure | undefined): void {
    const readers = this.#barriers.get(barrier) ?? [];
    this.#barriers.delete(barrier);
    this.#deadlines.delete(`barrier ${barrier}`);
    for (const { ticket, request } of readers) {
      this.#waitingCount--;
      this.#give(ticket, failure === undefined ? this.#read(request) : failureReply(failure, this.#standing.leader));
    }
  }

  #onTimeout(key: string): void {
    const [what, number] = key.split(' ');
    if (what === 'entry') this.#failEntry(Number(number), 'unknown');
    else this.#onBarrier(Number(number), 'no-quorum');
  }

  #read(request: MetaRequest): MetaReply {
    const state = this.#state;
    if (request.kind === 'lookup') return lookup(state, request.name, request.version);
    if (request.kind === 'stat') return stat(state, request.name);
    if (request.kind === 'list') return listFiles(state, request);
    if (request.kind === 'versions') return versionsOf(state, request.name, request.limit);
    return this.#placeIf(request as OpenPut);
  }

  /** A put whose condition does not hold already need not send its bytes. */
  #placeIf(request: OpenPut): MetaReply {
    const newest = this.#state.newest(request.name);
    const [version, isThere] = [newest?.version ?? 0, newest?.blob !== undefined];
    const isWrong = request.ifVersion !== undefined && request.ifVersion !== version;
    if (isWrong || (request.ifAbsent === true && isThere)) {
      // Unless this very put has already happened, and its writer did not hear of it: only the commit can tell.
      if (!this.#state.requests.has(request.requestId))
        return { kind: 'conflict', version, deleted: newest !== undefined && !isThere };
    }
    return this.#place(request);
  }

  #place({ replicas, bytesHint = 0, avoid }: OpenPut): MetaReply {
    const { random, free, config } = this.#options;
    const { epoch, servers } = viewOf(this.#state, free());
    const count = replicas ?? config.replicasDefault;
    const blob = blobIdFrom(random);
    const { reserveBytes } = config;
    const targets = placeReplicas({ blob, servers, count, bytes: bytesHint, reserveBytes, avoid });
    return { kind: 'placement', blob, epoch, targets, writeQuorum: writeQuorumOf(count) };
  }

  get #state() {
    return this.#options.meta.state;
  }

  #give(ticket: number, reply: MetaReply): void {
    this.#effects.push({ type: 'reply', ticket, reply });
  }
}
