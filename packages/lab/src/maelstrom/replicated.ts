import type { Cancel, Millis } from '@grp/core';
import {
  decodeMessage,
  encodeMessage,
  MemoryStorage,
  PayloadCodec,
  raftConfig,
  RaftMachine,
  raftPresets,
  Replica,
  SessionedStateMachine,
  type Ended,
} from '@grp/raft';
import { fromBase64, toBase64 } from './base64.ts';
import { maelstromErrors, type MaelstromBody } from './protocol.ts';
import { decodeStoreAnswer, encodeStoreCommand, missing, Store, type StoreAnswer } from './store.ts';
import { commandOf, isReadOnly, type StoreRequest } from './store-requests.ts';
import type { Reply, Workload, WorkloadContext } from './workload.ts';

/** What was surely not done is tried again after this … */
const retryMs = 40;
/** … for so long; then the client hears that it was not done. */
const patienceMs = 1_500;
/** What may be done or not is waited for this long. */
const answerMs = 4_000;
/** Requests under way here; more are refused. */
const requestsMax = 10_000;

interface Waiting {
  readonly request: StoreRequest;
  readonly reply: Reply;
  readonly since: Millis;
  /** Of what may be done or not, nobody hears any more. */
  readonly cancelEnd: Cancel;
  /** Ends a forwarding; a later one takes its place. */
  cancelForward: Cancel;
  isOver: boolean;
}

/**
 * `lin-kv` and `txn-list-append`: the machine and the replica that production runs, with Maelstrom's network between them
 * and a disk in memory, which is enough because Maelstrom pauses and cuts nodes off but never starts one again. Reads are
 * answered by any node after a round of the leader's (read-index); changes go to the leader, through whoever was asked.
 */
export class ReplicatedWorkload implements Workload {
  readonly #context: WorkloadContext;
  readonly #store = new Store();
  readonly #payloads = new PayloadCodec();
  readonly #replica: Replica;
  readonly #forwarded = new Map<number, (body: MaelstromBody) => void>();
  #number = 0;
  #requests = 0;
  #isStopped = false;

  constructor(context: WorkloadContext) {
    this.#context = context;
    const { self, nodes, clock, random, preset, later, send, onFatal } = context;
    const bootstrap = { voters: nodes, outgoing: [], learners: [], addresses: {} };
    this.#replica = new Replica({
      machine: new RaftMachine({ id: self, config: raftConfig.resolve(raftPresets[preset]), random, bootstrap }),
      stateMachine: new SessionedStateMachine(this.#store),
      storage: new MemoryStorage(later),
      peers: {
        send: (to, message) => send(to, { type: 'raft', bytes: toBase64(encodeMessage(message, this.#payloads)) }),
        configure: () => {},
      },
      clock,
      onFatal,
    });
    this.#replica.start();
  }

  request(body: MaelstromBody, reply: Reply): boolean {
    const request = commandOf(body);
    if (request === undefined) return false;
    if (request.type === 'malformed') reply.error(maelstromErrors.malformedRequest, request.problem);
    else if (this.#requests >= requestsMax) reply.error(maelstromErrors.temporarilyUnavailable, 'too much at once');
    else this.#begin(request, reply);
    return true;
  }

  receive(from: string, body: MaelstromBody): void {
    const { type, bytes, id } = body;
    if (type === 'raft' && typeof bytes === 'string') {
      const decoded = fromBase64(bytes);
      const message = decoded === undefined ? undefined : decodeMessage(decoded, this.#payloads);
      if (message !== undefined) this.#replica.receive(from, message);
    } else if (type === 'forward' && typeof bytes === 'string') {
      const command = fromBase64(bytes);
      if (command !== undefined) this.#propose(command, (ended) => this.#answerForwarded(from, id, ended));
    } else if (type === 'forwarded' && typeof id === 'number') this.#forwarded.get(id)?.(body);
  }

  stop(): void {
    this.#isStopped = true;
    this.#replica.stop();
  }

  #begin(request: StoreRequest, reply: Reply): void {
    const { clock } = this.#context;
    const since = clock.now();
    const cancelEnd = clock.wakeAt(since + answerMs, () => this.#end(waiting, undefined));
    const waiting: Waiting = { request, reply, since, cancelEnd, cancelForward: () => {}, isOver: false };
    this.#requests++;
    this.#try(waiting);
  }

  #try(waiting: Waiting): void {
    if (waiting.isOver) return;
    const { request } = waiting;
    if (isReadOnly(request)) return this.#read(waiting);
    const command = encodeStoreCommand(request);
    return this.#propose(command, (ended) => {
      const { leader } = ended.type === 'not-done' ? ended : {};
      if (leader === undefined || leader === this.#context.self) this.#onEnded(waiting, ended);
      else this.#forward(waiting, leader, command);
    });
  }

  #read(waiting: Waiting): void {
    const { request } = waiting;
    const look = (): StoreAnswer => {
      if (request.type === 'txn') return { ok: { txn: this.#store.run(request.txn) } };
      const value = this.#store.get(request.key);
      return value === undefined ? missing(request.key) : { ok: { value } };
    };
    this.#replica.read(
      'read-index',
      (answer) => answer(look()),
      (ended) => (ended.type === 'done' ? this.#end(waiting, ended.value as StoreAnswer) : this.#again(waiting)),
    );
  }

  #propose(command: Uint8Array, done: (ended: Ended) => void): void {
    // Without a session: what is unsure is never proposed again.
    this.#replica.propose({ type: 'command', session: 0, sequence: 0, acknowledged: 0, command }, done);
  }

  #forward(waiting: Waiting, leader: string, command: Uint8Array): void {
    const id = ++this.#number;
    waiting.cancelForward = () => this.#forwarded.delete(id);
    this.#forwarded.set(id, ({ state, answer }) => {
      waiting.cancelForward();
      if (state === 'not-done') this.#again(waiting);
      else if (state === 'done' && typeof answer === 'object') this.#end(waiting, answer as StoreAnswer);
    });
    this.#context.send(leader, { type: 'forward', id, bytes: toBase64(command) });
  }

  #answerForwarded(to: string, id: unknown, ended: Ended): void {
    const { send } = this.#context;
    if (ended.type === 'done')
      send(to, { type: 'forwarded', id, state: 'done', answer: decodeStoreAnswer(ended.answer) });
    else if (ended.type === 'not-done') send(to, { type: 'forwarded', id, state: 'not-done' });
  }

  #onEnded(waiting: Waiting, ended: Ended): void {
    if (ended.type === 'done') this.#end(waiting, decodeStoreAnswer(ended.answer));
    else if (ended.type === 'not-done') this.#again(waiting);
  }

  /** It was surely not done: there is no leader, or another one by now. */
  #again(waiting: Waiting): void {
    const { clock } = this.#context;
    if (clock.now() - waiting.since < patienceMs && !this.#isStopped)
      clock.wakeAt(clock.now() + retryMs, () => this.#try(waiting));
    else
      this.#end(waiting, { error: maelstromErrors.temporarilyUnavailable, text: 'no majority of the nodes answers' });
  }

  #end(waiting: Waiting, answer: StoreAnswer | undefined): void {
    if (waiting.isOver) return;
    waiting.isOver = true;
    waiting.cancelEnd();
    waiting.cancelForward();
    this.#requests--;
    const { reply } = waiting;
    if (answer === undefined) reply.error(maelstromErrors.timeout, 'no answer in time: done, or not, or done later');
    else if ('ok' in answer) reply.ok(answer.ok);
    else reply.error(answer.error, answer.text);
  }
}
