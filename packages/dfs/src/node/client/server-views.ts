import type { Clock, Millis } from '@grp/core';
import type { MetaReply } from '../../messages.ts';
import type { FileServer, ServerId, ServerView } from '../../model.ts';

/** What is known of the servers is asked for again after so long: their room changes. */
const ageMsMax = 5_000;
/** A server that failed is asked last for so long. */
const greyMs = 5_000;
/** Nobody waits longer for what is only good for speed. */
const patienceMs = 200;

export interface ServerViewsOptions {
  readonly servers: readonly string[];
  readonly near?: ServerId;
}

/** What a client knows of the file servers: by the metadata, and by its own dealings with them. */
export class ServerViews {
  readonly #options: ServerViewsOptions;
  readonly #clock: Clock;
  readonly #ask: () => Promise<MetaReply | undefined>;
  readonly #greyUntil = new Map<ServerId, Millis>();
  #view: ServerView | undefined;
  #isOld = true;
  #at: Millis = -Infinity;
  #asking: Promise<void> | undefined;
  #turn = 0;

  constructor(options: ServerViewsOptions, clock: Clock, ask: () => Promise<MetaReply | undefined>) {
    this.#options = options;
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Addresses at which the metadata can be asked for. */
  addresses(): readonly string[] {
    const { servers } = this.#options;
    const known = this.#view?.servers.filter(({ up }) => up).map(({ address }) => address) ?? [];
    return [...servers, ...known.filter((address) => !servers.includes(address))];
  }

  /** Undefined when nobody tells: the put then asks for a placement. An old view is renewed; only without any it waits. */
  async current(): Promise<ServerView | undefined> {
    const isDue = this.#isOld || this.#clock.now() - this.#at > ageMsMax;
    if (isDue) this.#asking ??= this.#renew();
    if (this.#isOld && this.#asking !== undefined) await this.#within(this.#asking);
    return this.#withoutGrey();
  }

  /** The servers changed in the entry at this index: what is known from before is out of date. */
  heard(changedAt: number): void {
    if (this.#view !== undefined && changedAt > this.#view.epoch) this.#isOld = true;
  }

  /** It failed, or moved nothing. */
  grey(server: ServerId): void {
    this.#greyUntil.set(server, this.#clock.now() + greyMs);
  }

  /** In the order in which they are best read from. */
  preferred(): readonly ServerId[] {
    const { near } = this.#options;
    const all = this.#view?.servers.filter(({ id, up }) => up && !this.#isGrey(id)).map(({ id }) => id) ?? [];
    const turn = all.length === 0 ? 0 : this.#turn++ % all.length;
    const rest = [...all.slice(turn), ...all.slice(0, turn)];
    return near !== undefined && rest.includes(near) ? [near, ...rest.filter((id) => id !== near)] : rest;
  }

  #isGrey(server: ServerId): boolean {
    const until = this.#greyUntil.get(server);
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#greyUntil.delete(server);
    return false;
  }

  /** As long as enough others are left, nothing new goes to a server that just failed. */
  #withoutGrey(): ServerView | undefined {
    const view = this.#view;
    if (view === undefined || this.#greyUntil.size === 0) return view;
    const servers = view.servers.map((server): FileServer =>
      this.#isGrey(server.id) ? { ...server, up: false } : server,
    );
    return servers.filter(({ up }) => up).length >= 3 ? { ...view, servers } : view;
  }

  #within(asking: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.wakeAt(this.#clock.now() + patienceMs, resolve);
      void asking.then(() => {
        cancel();
        resolve();
      });
    });
  }

  async #renew(): Promise<void> {
    const reply = await this.#ask();
    if (reply?.kind === 'servers-listed') {
      this.#view = reply.view;
      this.#at = this.#clock.now();
      this.#isOld = false;
    }
    this.#asking = undefined;
  }
}
