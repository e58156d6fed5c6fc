import type { Address, ByteStream, Cancel, Millis, Random, StreamHandlers, Streams } from '@grp/core';
import { simError } from './errors.ts';
import { Timer, type Life } from './life.ts';
import type { Endpoint, Network, NetworkHost, StreamListener } from './network.ts';
import { Flow, type StreamSettings } from './stream-flow.ts';
import { StreamSocket } from './stream-socket.ts';

export interface SimStreamsOptions {
  readonly network: Network;
  readonly endpoint: Endpoint;
  readonly life: Life;
  readonly random: Random;
  readonly settings: StreamSettings;
}

type Acceptor = (stream: ByteStream) => StreamHandlers | undefined;

// How long TCP waits before it asks for a connection again.
const dialRetryMs: Millis = 1_000;

/** The Streams port of one life, on one port of its host. */
export class SimStreams implements Streams, StreamListener {
  readonly self: Address;
  readonly life: Life;
  readonly #options: SimStreamsOptions;
  readonly #sockets = new Set<StreamSocket>();
  #acceptor: Acceptor | undefined;
  #open = true;
  #waiting = 0;

  constructor(options: SimStreamsOptions) {
    const { endpoint, life } = options;
    if (endpoint.listener !== undefined) throw simError('SIM_PORT_IN_USE', { context: { address: endpoint.address } });
    this.self = endpoint.address;
    this.life = life;
    this.#options = options;
    endpoint.listener = this;
    life.atEnd((crash) => {
      this.#release();
      for (const socket of [...this.#sockets]) socket.crash(crash);
    });
  }

  dial(
    to: Address,
    handlers: StreamHandlers,
    { timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {},
  ): ByteStream {
    const { network, endpoint } = this.#options;
    const { engine, owner } = this.life;
    const target = network.resolve(to);
    const dialler = this.#socket(to, target?.host ?? endpoint.host);
    dialler.adopt(handlers);
    if (!this.#open || !this.life.alive) dialler.failLater('aborted');
    else if (target === undefined) dialler.failLater('unreachable');
    else {
      engine.trace.event('stream.dial', engine.now, owner, target.code);
      // The timer stays when the stream opens first: it then finds nothing to do.
      new Timer(this.life, this.life.now() + timeoutMs, () => {
        if (dialler.isConnecting) dialler.fail('timeout');
      }).schedule();
      this.#connect(dialler, target);
    }
    return dialler;
  }

  onAccept(accept: Acceptor): Cancel {
    const own: Acceptor = (stream) => accept(stream);
    this.#acceptor = own;
    return () => {
      if (this.#acceptor === own) this.#acceptor = undefined;
    };
  }

  close(): Promise<void> {
    this.#release();
    for (const socket of [...this.#sockets]) socket.abort();
    this.life.engine.settled = true;
    return Promise.resolve();
  }

  get openCount(): number {
    return this.#sockets.size;
  }

  #release(): void {
    this.#open = false;
    this.#acceptor = undefined;
    if (this.#options.endpoint.listener === this) this.#options.endpoint.listener = undefined;
  }

  #socket(peer: Address, to: NetworkHost): StreamSocket {
    const socket = new StreamSocket({
      life: this.life,
      peer,
      flow: this.#flow(this.#options.endpoint.host, to),
      settings: this.#options.settings,
      onGone: (gone) => this.#sockets.delete(gone),
    });
    this.#sockets.add(socket);
    return socket;
  }

  #flow(from: NetworkHost, to: NetworkHost): Flow {
    const { network, random, settings } = this.#options;
    return new Flow({ network, random, settings, from, to });
  }

  // The way of a connection request, there and back.
  #connect(dialler: StreamSocket, target: Endpoint): void {
    const { host } = this.#options.endpoint;
    const from = `${host.ip}:${host.freePort()}` as Address;
    const listener = (): SimStreams | undefined => {
      const found = target.listener as SimStreams | undefined;
      return found?.life.alive === true && found.#acceptor !== undefined ? found : undefined;
    };
    dialler.flow.send(
      {
        sizeBytes: 0,
        welcome: () => listener()?.hasRoom !== false,
        land: () => {
          const found = listener();
          if (found !== undefined) found.#take(dialler, from, host);
          else this.#flow(target.host, host).send({ sizeBytes: 0, land: () => dialler.onReset() });
        },
      },
      dialRetryMs,
    );
  }

  /** The kernel keeps a bounded number of streams for a process that does not listen right now. */
  get hasRoom(): boolean {
    return !this.life.blocked || this.#waiting < this.#options.settings.backlogMax;
  }

  // A request has come. A stopped process's kernel says yes by itself; whether the process wants it shows later.
  #take(dialler: StreamSocket, from: Address, host: NetworkHost): void {
    if (!dialler.isConnecting) return;
    const accepted = this.#socket(from, host);
    accepted.attach(dialler);
    dialler.attach(accepted);
    const { engine, owner } = this.life;
    engine.trace.event('stream.open', engine.now, owner);
    const isEarly = this.life.blocked;
    if (isEarly) {
      this.#waiting++;
      accepted.confirm();
    }
    this.life.post({
      perform: () => {
        if (isEarly) this.#waiting--;
        const handlers = this.#acceptor?.(accepted);
        if (handlers === undefined) return accepted.refuse();
        accepted.adopt(handlers);
        accepted.confirm();
      },
    });
  }
}
