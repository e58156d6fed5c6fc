import { chance, type Address, type Millis } from '@grp/core';
import type { Ack, CopyOrder, DeletionOrder, MetaReply } from '@grp/dfs';
import type { Host } from '@grp/sim';
import type { Caller } from './caller.ts';
import type { Answers, DfsMessage, Send } from './messages.ts';
import { digestOf, type BlobPlatter } from './store.ts';

export interface SimFileServerOptions {
  readonly host: Host;
  readonly address: Address;
  readonly platter: BlobPlatter;
  readonly answers: Answers;
  readonly caller: Caller;
  readonly send: Send;
  readonly locate: (address: string) => Address;
  /** Whether orders of an earlier epoch are refused, and acknowledgements name this very life. */
  readonly fences: boolean;
  readonly reports: boolean;
  readonly onStored: () => void;
  readonly count: (what: string) => void;
}

const heartbeatMs = 150;
const reportMs = 700;
const scrubMs = 900;
const pieces = 3;

/** One life of a file server: takes, gives, copies and deletes blobs, joins, and reports what it has. */
export class SimFileServer {
  readonly #options: SimFileServerOptions;
  #incarnation: number | undefined;
  /** The epoch that the master last told. */
  #epoch = 0;
  #lives = 0;

  constructor(options: SimFileServerOptions) {
    this.#options = options;
    const { clock } = options.host;
    clock.wakeAt(clock.now(), () => this.#join());
    this.#every(heartbeatMs, () => this.#beat());
    this.#every(reportMs, () => this.#report());
    this.#every(scrubMs, () => this.#scrub());
  }

  get incarnation(): number | undefined {
    return this.#incarnation;
  }

  receive(from: Address, message: DfsMessage): void {
    switch (message.type) {
      case 'put':
        return this.#onPut(from, message);
      case 'read':
        return this.#onRead(from, message);
      case 'check':
        return this.#onCheck(from, message);
      case 'copy':
        return this.#onCopy(from, message.id, message.order);
      case 'delete':
        return this.#onDelete(from, message.id, message.order);
      default:
    }
  }

  #onPut(from: Address, { id, blob, epoch, content }: Extract<DfsMessage, { type: 'put' }>): void {
    const { send } = this.#options;
    if (this.#incarnation === undefined) return send(from, { type: 'refused', id, problem: 'refused' });
    send(from, { type: 'moved', id, bytes: content.length });
    this.#store({ blob, epoch, content }, (ack) =>
      send(from, typeof ack === 'string' ? { type: 'refused', id, problem: ack } : { type: 'stored', id, ack }),
    );
  }

  #onRead(from: Address, { id, blob, offset, length }: Extract<DfsMessage, { type: 'read' }>): void {
    const { send, platter } = this.#options;
    const stored = platter.blobs.get(blob);
    if (this.#incarnation === undefined) return send(from, { type: 'unread', id, problem: 'unreachable' });
    if (stored === undefined) return send(from, { type: 'unread', id, problem: 'missing' });
    if (stored.isBad) return send(from, { type: 'unread', id, problem: 'bad' });
    const size = Math.max(1, Math.ceil(length / pieces));
    for (let at = offset; at < offset + length; at += size) {
      const content = stored.content.slice(at, Math.min(at + size, offset + length));
      send(from, { type: 'bytes', id, offset: at, content });
    }
  }

  #onCheck(from: Address, { id, blob }: Extract<DfsMessage, { type: 'check' }>): void {
    const { send, platter } = this.#options;
    const stored = platter.blobs.get(blob);
    if (this.#incarnation === undefined) return send(from, { type: 'unread', id, problem: 'unreachable' });
    if (stored === undefined) return send(from, { type: 'unread', id, problem: 'missing' });
    send(from, { type: 'digest', id, sha256: stored.isBad ? '' : digestOf(stored.content) });
  }

  #onCopy(from: Address, id: number, order: CopyOrder): void {
    const { send, locate, answers, fences } = this.#options;
    if (fences && order.to.incarnation !== this.#incarnation)
      return send(from, { type: 'not-copied', id, problem: 'target-unreachable' });
    // A stream keeps its order; the messages that stand for it here do not.
    const received = new Map<number, string>();
    const read = answers.expect((message) => {
      if (message.type === 'unread') {
        answers.forget(read);
        const problem = message.problem === 'unreachable' ? 'source-unreachable' : 'source-bad';
        return send(from, { type: 'not-copied', id, problem });
      }
      if (message.type !== 'bytes') return;
      received.set(message.offset, message.content);
      const content = [...received].toSorted(([a], [b]) => a - b).map(([, piece]) => piece);
      if (content.reduce((sum, piece) => sum + piece.length, 0) < order.bytes) return;
      answers.forget(read);
      this.#finishCopy(from, id, order, content.join(''));
    });
    send(locate(order.from.address), { type: 'read', id: read, blob: order.blob, offset: 0, length: order.bytes });
  }

  #finishCopy(from: Address, id: number, { blob, epoch, sha256 }: CopyOrder, content: string): void {
    const { send } = this.#options;
    if (digestOf(content) !== sha256) return send(from, { type: 'not-copied', id, problem: 'source-bad' });
    this.#store({ blob, epoch, content }, (ack) => {
      if (typeof ack !== 'string') return send(from, { type: 'copied', id, ack });
      send(from, { type: 'not-copied', id, problem: ack === 'full' ? 'target-full' : 'target-unreachable' });
    });
  }

  #onDelete(from: Address, id: number, { at, items }: DeletionOrder): void {
    const { send, platter, fences, count } = this.#options;
    if (fences && at.incarnation !== this.#incarnation) return send(from, { type: 'not-deleted', id });
    for (const { blob, epoch } of items) if ((platter.blobs.get(blob)?.epoch ?? 0) > epoch) count('late-deletions');
    for (const { blob, epoch } of items) if (platter.delete(blob, fences ? epoch : Infinity)) count('blobs-deleted');
    send(from, { type: 'deleted', id });
  }

  #store(
    write: { readonly blob: string; readonly epoch: number; readonly content: string },
    done: (outcome: Ack | 'refused' | 'full') => void,
  ): void {
    const { host, platter, fences, onStored } = this.#options;
    const incarnation = this.#incarnation;
    const later = (ms: Millis, action: () => void): void => void host.clock.wakeAt(host.clock.now() + ms, action);
    platter.write(write, host.random, later, (problem) => {
      // A life that was declared dead meanwhile acknowledges nothing.
      if (incarnation === undefined || (fences && incarnation !== this.#incarnation)) return;
      done(problem ?? { node: host.name, incarnation, epoch: write.epoch });
      if (problem === undefined) onStored();
    });
  }

  #join(): void {
    const { host, caller, address } = this.#options;
    this.#incarnation = undefined;
    const life = `${host.name}-${host.incarnation}-${++this.#lives}`;
    const number = this.#lives;
    const request = { kind: 'join', node: host.name, life, address, zone: '', freeBytes: 1e9 } as const;
    const ask = (): void =>
      caller.call(request, (reply) => {
        if (number !== this.#lives) return;
        if (reply?.kind !== 'joined') {
          host.clock.wakeAt(host.clock.now() + 50, ask);
          return;
        }
        this.#incarnation = reply.incarnation;
        this.#epoch = reply.incarnation;
        this.#report();
      });
    ask();
  }

  #beat(): void {
    const { host, caller } = this.#options;
    const incarnation = this.#incarnation;
    if (incarnation === undefined) return;
    const request = { kind: 'heartbeat', node: host.name, incarnation, freeBytes: 1e9 } as const;
    caller.call(request, (reply) => this.#onAnswer(incarnation, reply));
  }

  #report(): void {
    const { host, caller, platter, reports } = this.#options;
    const incarnation = this.#incarnation;
    if (incarnation === undefined || !reports) return;
    const request = { node: host.name, incarnation, asOf: this.#epoch, blobs: platter.inventory() };
    caller.call({ kind: 'hold-report', ...request }, (reply) => this.#onAnswer(incarnation, reply));
  }

  #onAnswer(incarnation: number, reply: MetaReply | undefined): void {
    const { platter, count } = this.#options;
    if (incarnation !== this.#incarnation || reply === undefined) return;
    if (reply.kind === 'alive') this.#epoch = Math.max(this.#epoch, reply.epoch);
    else if (reply.kind === 'expelled') {
      count('expelled');
      this.#join();
    } else if (reply.kind === 'unwanted')
      for (const blob of reply.blobs) if (platter.delete(blob, reply.epoch)) count('orphans-deleted');
  }

  #scrub(): void {
    const { host, caller, platter, count } = this.#options;
    const incarnation = this.#incarnation;
    if (incarnation === undefined) return;
    for (const [blob, { isBad }] of platter.blobs) {
      if (!isBad || !chance(host.random, 0.8)) continue;
      count('rot-found');
      caller.call({ kind: 'rot-report', node: host.name, incarnation, blob }, () => {});
    }
  }

  #every(ms: Millis, action: () => void): void {
    const { clock } = this.#options.host;
    clock.wakeAt(clock.now() + ms, () => {
      action();
      this.#every(ms, action);
    });
  }
}
