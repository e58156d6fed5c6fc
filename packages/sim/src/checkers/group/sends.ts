import type { GroupEvent, SendEvent } from './events.ts';
import { Lives, type Life } from './lives.ts';

/** A message with its place among those of its sender. */
export interface Sent {
  readonly message: string;
  readonly sender: Life<SenderRow>;
  /** From 0. */
  readonly index: number;
  /** The number of its event in the run. */
  readonly order: number;
  /** Of each sender, the last message that this one's sender had delivered when it sent. */
  readonly past: ReadonlyMap<Life<SenderRow>, Sent>;
}

/** What one life has sent and delivered. */
export interface SenderRow {
  readonly sent: Sent[];
  /** The last delivered message of each sender. */
  readonly delivered: Map<Life<SenderRow>, Sent>;
  /** Its first view, or its state: what was sent before may rightly be missing here. */
  since: number;
}

/** Who sent what, and who has delivered how much of it; shared by the rules of FIFO and causal order. */
export class Sends {
  readonly lives = new Lives<SenderRow>(() => ({ sent: [], delivered: new Map(), since: Infinity }));
  readonly #messages = new Map<string, Sent>();
  readonly #keepsPast: boolean;
  #order = 0;

  constructor({ keepsPast }: { readonly keepsPast: boolean }) {
    this.#keepsPast = keepsPast;
  }

  find(message: string): Sent | undefined {
    return this.#messages.get(message);
  }

  /** Call it after the checker has looked at the event. */
  observe(event: GroupEvent): void {
    this.#order++;
    if (event.type === 'send') this.#send(event);
    else if (event.type === 'deliver') {
      const sent = this.find(event.message);
      const { delivered } = this.lives.of(event.node).own;
      if (sent !== undefined && (delivered.get(sent.sender)?.index ?? -1) < sent.index)
        delivered.set(sent.sender, sent);
    } else if (event.type === 'install') {
      const { own } = this.lives.of(event.node);
      own.since = Math.min(own.since, this.#order);
    } else if (event.type === 'state') this.lives.of(event.node).own.since = this.#order;
    this.lives.note(event);
  }

  #send({ node, message }: SendEvent): void {
    const sender = this.lives.of(node);
    const { sent, delivered } = sender.own;
    const past = this.#keepsPast ? new Map(delivered) : delivered;
    const item = { message, sender, index: sent.length, order: this.#order, past };
    sent.push(item);
    this.#messages.set(message, item);
  }
}
