import type { Cancel, Clock, NodeId } from '@grp/core';
import type { ChatMessage } from './api.ts';
import type { MessengerConfig } from './config.ts';
import { decodeHistory, decodeHistoryAsk, encodeHistory, encodeHistoryAsk, type History } from './history.ts';
import type { FrameKind } from './frames.ts';

const retryMs = 50;
const waitingAsksMax = 64;
/** Asked one after the other, when one does not answer. */
const donorsMax = 3;

export interface ReplayOptions {
  readonly group: string;
  readonly order: ChatMessage['order'];
  readonly self: NodeId;
  readonly history: History;
  readonly clock: Clock;
  readonly config: MessengerConfig;
  readonly send: (to: NodeId, kind: FrameKind, body: Uint8Array) => boolean;
  /** Shows a message, from the history or in its turn. */
  readonly show: (message: ChatMessage) => void;
}

interface Asking {
  readonly view: number;
  readonly donors: NodeId[];
  isAsked: boolean;
  askedUntil: number;
  cancel: Cancel;
}

/**
 * The history for whoever comes late. A joiner asks the oldest member for what was delivered before its first view; that
 * member answers once it has installed this view, so that nothing is missing between the history and the first message
 * in the new view. What is delivered meanwhile waits.
 */
export class Replay {
  readonly #options: ReplayOptions;
  #installed = 0;
  #asks: { readonly from: NodeId; readonly view: number; readonly count: number }[] = [];
  #asking: Asking | undefined;
  #held: ChatMessage[] = [];

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** Shows it now, or after the history that is on its way. */
  deliver(message: ChatMessage): void {
    if (this.#asking === undefined) {
      this.#take(message);
      return;
    }
    this.#held.push(message);
    if (this.#held.length > this.#options.config.heldDeliveriesMax) this.#end([]);
  }

  /** A view is in force. `donors`, oldest stay first: whom to ask, when this member has come to it from nowhere. */
  installed(view: number, donors: readonly NodeId[]): void {
    this.#installed = view;
    const due = this.#asks.filter((ask) => ask.view <= view);
    this.#asks = this.#asks.filter((ask) => ask.view > view);
    for (const { from, view: before, count } of due) this.#answer(from, before, count);
    if (donors.length === 0 || this.#options.config.historyMax === 0) return;
    this.#asking?.cancel();
    const { clock, config } = this.#options;
    this.#asking = {
      ...{ view, donors: donors.slice(0, donorsMax), isAsked: false, cancel: () => {} },
      askedUntil: clock.now() + config.historyWaitMs,
    };
    this.#ask();
  }

  /** Another member wants the history. */
  onAsk(from: NodeId, body: Uint8Array): void {
    const ask = decodeHistoryAsk(body);
    if (ask === undefined || this.#asks.length >= waitingAsksMax) return;
    if (ask.view <= this.#installed) this.#answer(from, ask.view, ask.count);
    else this.#asks.push({ from, ...ask });
  }

  onHistory(from: NodeId, body: Uint8Array): void {
    const { group, order, self, config } = this.#options;
    const asking = this.#asking;
    if (asking === undefined || !asking.isAsked || asking.donors[0] !== from) return; // nobody asked for it
    const { historyMax: countMax, textBytesMax } = config;
    const answer = decodeHistory(body, { group, order, self, countMax, textBytesMax });
    if (answer?.view === asking.view) this.#end(answer.messages);
  }

  close(): void {
    this.#asking?.cancel();
    this.#asking = undefined;
    for (const message of this.#held.splice(0)) this.#take(message);
  }

  #ask(): void {
    const asking = this.#asking;
    if (asking === undefined) return;
    const { clock, config, send } = this.#options;
    const [donor] = asking.donors;
    if (donor === undefined || clock.now() >= asking.askedUntil) {
      this.#end([]);
      return;
    }
    if (asking.isAsked) {
      asking.donors.shift(); // it did not answer
      asking.isAsked = false;
      this.#ask();
      return;
    }
    asking.isAsked = send(donor, 'history-ask', encodeHistoryAsk({ view: asking.view, count: config.historyMax }));
    const waitMs = asking.isAsked ? Math.max(retryMs, config.historyWaitMs / donorsMax) : retryMs;
    asking.cancel = clock.wakeAt(Math.min(clock.now() + waitMs, asking.askedUntil), () => this.#ask());
  }

  #end(messages: readonly ChatMessage[]): void {
    this.#asking?.cancel();
    this.#asking = undefined;
    for (const message of messages) this.#take(message);
    for (const message of this.#held.splice(0)) this.#take(message);
  }

  #answer(to: NodeId, view: number, count: number): void {
    const { send, history } = this.#options;
    send(to, 'history', encodeHistory(view, history.before(view, count)));
  }

  #take(message: ChatMessage): void {
    const { history, show } = this.#options;
    if (message.isReplay && history.has(message)) return; // from before this member was away
    history.add(message);
    show(message);
  }
}
