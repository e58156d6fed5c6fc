import { decodeReply, encodeRequest } from '../../codec.ts';
import type { MetaReply, MetaRequest } from '../../messages.ts';
import type { Peers } from '../net/peers.ts';

export interface MetaClientOptions {
  readonly peers: Peers;
  /** Nodes that may be asked; those that answers name are asked too. */
  readonly servers: () => readonly string[];
  /** The metadata service in this process, asked before all others. */
  readonly local?: ((request: MetaRequest) => Promise<MetaReply>) | undefined;
  /** Without an answer for so long, another node is asked as well. */
  readonly hedgeMs: number;
  /** Without an answer for so long, there is none. */
  readonly timeoutMs: number;
}

const localAddress = '';
/** Pause before nodes that know no leader are asked again. */
const noLeaderMs = 25;

/**
 * Asks the metadata service: first whoever answered last, then the leader that is named, then the others. A node that is
 * silent is not waited for; asking twice does no harm, because every change carries a request id.
 */
export class MetaClient {
  readonly #options: MetaClientOptions;
  readonly #asking = new Set<Asking>();
  #leader: string | undefined;
  #isClosed = false;

  constructor(options: MetaClientOptions) {
    this.#options = options;
  }

  /** Undefined: nobody answered in time, `signal` was aborted, or it is closed. Any reply but `not-leader`. */
  ask(request: MetaRequest, signal?: AbortSignal): Promise<MetaReply | undefined> {
    if (this.#isClosed || signal?.aborted === true) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const end = (reply: MetaReply | undefined, from: string): void => {
        this.#asking.delete(asking);
        if (reply !== undefined) this.#leader = from;
        resolve(reply);
      };
      const asking = new Asking(this.#options, request, { signal, resolve: end });
      this.#asking.add(asking);
      asking.begin(this.#firstAddress());
    });
  }

  /** Nobody is asked any more. */
  close(): void {
    this.#isClosed = true;
    for (const asking of this.#asking) asking.giveUp();
  }

  #firstAddress(): string | undefined {
    if (this.#leader !== undefined) return this.#leader;
    return this.#options.local === undefined ? this.#options.servers()[0] : localAddress;
  }
}

interface AskingEnd {
  readonly signal: AbortSignal | undefined;
  readonly resolve: (reply: MetaReply | undefined, from: string) => void;
}

/** One request, asked of one node after another until one answers. */
class Asking {
  readonly #options: MetaClientOptions;
  readonly #request: MetaRequest;
  readonly #end: AskingEnd;
  readonly #asked = new Set<string>();
  #underWay = 0;
  #isOver = false;
  #hedge: ReturnType<typeof setTimeout> | undefined;
  readonly #limit: ReturnType<typeof setTimeout>;

  constructor(options: MetaClientOptions, request: MetaRequest, end: AskingEnd) {
    this.#options = options;
    this.#request = request;
    this.#end = end;
    this.#limit = setTimeout(this.giveUp, options.timeoutMs);
    end.signal?.addEventListener('abort', this.giveUp, { once: true });
  }

  begin(first: string | undefined): void {
    if (first === undefined) this.#askNext();
    else this.#askAt(first);
  }

  readonly giveUp = (): void => this.#finish(undefined, '');

  #askNext(): void {
    if (this.#isOver) return;
    const next = this.#candidates().find((address) => !this.#asked.has(address));
    if (next !== undefined) return this.#askAt(next);
    if (this.#underWay > 0) return;
    // Everybody has said that somebody else leads: an election is under way.
    this.#asked.clear();
    this.#arm(noLeaderMs);
  }

  #candidates(): readonly string[] {
    const { servers, local } = this.#options;
    return local === undefined ? servers() : [localAddress, ...servers()];
  }

  #askAt(address: string): void {
    this.#asked.add(address);
    this.#underWay++;
    this.#arm(this.#options.hedgeMs);
    void this.#send(address).then((reply) => this.#heard(address, reply));
  }

  #arm(milliseconds: number): void {
    clearTimeout(this.#hedge);
    this.#hedge = setTimeout(() => this.#askNext(), milliseconds);
  }

  async #send(address: string): Promise<MetaReply | undefined> {
    const { local, peers } = this.#options;
    try {
      if (address === localAddress) return await local?.(this.#request);
      return decodeReply(await peers.at(address).meta(encodeRequest(this.#request)));
    } catch {
      return undefined; // it cannot be reached
    }
  }

  #heard(address: string, reply: MetaReply | undefined): void {
    this.#underWay--;
    if (this.#isOver) return;
    if (reply !== undefined && reply.kind !== 'not-leader') return this.#finish(reply, address);
    const leader = reply?.leader;
    if (leader !== undefined && !this.#asked.has(leader)) return this.#askAt(leader);
    this.#askNext();
  }

  #finish(reply: MetaReply | undefined, from: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#hedge);
    clearTimeout(this.#limit);
    this.#end.signal?.removeEventListener('abort', this.giveUp);
    this.#end.resolve(reply, from);
  }
}
