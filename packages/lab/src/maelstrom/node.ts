import { silentLogger, type Clock, type Logger, type Random } from '@grp/core';
import type { RaftPreset } from '@grp/raft';
import { broadcastWorkload, counterWorkload, growSetWorkload } from './gossip-workloads.ts';
import { echoWorkload, uniqueIdsWorkload } from './plain-workloads.ts';
import { isTexts, maelstromErrors, parseMessage, type MaelstromBody, type MaelstromMessage } from './protocol.ts';
import { ReplicatedWorkload } from './replicated.ts';
import type { Reply, Workload, WorkloadContext } from './workload.ts';

const makers = {
  echo: echoWorkload,
  broadcast: broadcastWorkload,
  'g-set': growSetWorkload,
  'pn-counter': counterWorkload,
  'unique-ids': uniqueIdsWorkload,
  'lin-kv': (context) => new ReplicatedWorkload(context),
  'txn-list-append': (context) => new ReplicatedWorkload(context),
} as const satisfies Record<string, (context: WorkloadContext) => Workload>;

/** The exercises of Maelstrom that a node can do. */
export type MaelstromWorkload = keyof typeof makers;
/** Their names, in the order in which help lists them. */
export const maelstromWorkloads = Object.keys(makers) as readonly MaelstromWorkload[];

/** What a node under Maelstrom runs on: its workload, time and chance. */
export interface MaelstromNodeOptions {
  readonly workload: MaelstromWorkload;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger?: Logger;
  /** Calls back after the present call, `queueMicrotask` for example. */
  readonly later: (callback: () => void) => void;
  /** Timings of raft (default `lan`). */
  readonly preset?: RaftPreset;
  /** Puts one message on the network, as a line without its end. */
  readonly send: (line: string) => void;
  /** A bug was found: the node says nothing more. */
  readonly onFatal: (cause: unknown) => void;
}

/**
 * One node of a test by Maelstrom (https://github.com/jepsen-io/maelstrom): lines of JSON in, lines of JSON out. Silent and
 * without work until it is told who it is.
 */
export class MaelstromNode {
  readonly #options: MaelstromNodeOptions;
  readonly #logger: Logger;
  #running: { readonly self: string; readonly workload: Workload } | undefined;
  #droppedCount = 0;

  constructor(options: MaelstromNodeOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  /** Lines that were no messages, or not for this node. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Takes one line. Never throws. */
  receive(line: string): void {
    const message = parseMessage(line);
    const self = this.#running?.self;
    if (message === undefined || (self !== undefined && message.dest !== self)) {
      this.#droppedCount++;
      this.#logger.log('warn', 'maelstrom.dropped', { line: line.slice(0, 200) });
      return;
    }
    const { src, dest, body } = message;
    if (body.msg_id === undefined) this.#running?.workload.receive(src, body);
    else this.#answer(message, this.#replyTo(dest, src, body));
  }

  stop(): void {
    this.#running?.workload.stop();
    this.#running = undefined;
  }

  #answer({ body }: MaelstromMessage, reply: Reply): void {
    if (body.type === 'init') return this.#init(body, reply);
    if (this.#running === undefined)
      return reply.error(maelstromErrors.temporarilyUnavailable, 'this node waits for its init message');
    if (this.#running.workload.request(body, reply)) return undefined;
    return reply.error(maelstromErrors.notSupported, `${this.#options.workload} has no ${body.type}`);
  }

  #init({ node_id: self, node_ids: nodes }: MaelstromBody, reply: Reply): void {
    if (typeof self !== 'string' || !isTexts(nodes) || !nodes.includes(self))
      return reply.error(maelstromErrors.malformedRequest, 'node_id is not among node_ids');
    if (this.#running !== undefined)
      return reply.error(maelstromErrors.malformedRequest, 'this node knows already who it is');
    const { workload, clock, random, later, preset = 'lan', onFatal } = this.#options;
    const send = (to: string, body: MaelstromBody): void => this.#send({ src: self, dest: to, body });
    const context = { self, nodes, clock, random: random.fork(self), later, preset, send, onFatal };
    this.#running = { self, workload: makers[workload](context) };
    this.#logger.log('info', 'maelstrom.ready', { self, nodes: nodes.length, workload });
    return reply.ok();
  }

  #replyTo(self: string, client: string, { type, msg_id: id }: MaelstromBody): Reply {
    let isAnswered = false;
    const answer = (body: MaelstromBody): void => {
      if (isAnswered) return;
      isAnswered = true;
      this.#send({ src: self, dest: client, body: { ...body, ...(id !== undefined && { in_reply_to: id }) } });
    };
    return {
      ok: (fields) => answer({ ...fields, type: `${type}_ok` }),
      error: (code, text) => answer({ type: 'error', code, text }),
    };
  }

  #send(message: MaelstromMessage): void {
    this.#options.send(JSON.stringify(message));
  }
}
