import { batch, signal, type Signal } from '@preact/signals';
import { Feed } from '../../src/live/feed.ts';
import { LiveTrace } from '../../src/live/live-trace.ts';
import { clusterModel, emptyModel, withMemberNews, type ClusterModel } from '../../src/live/model.ts';
import { StripMeter } from '../../src/live/strips.ts';
import { isRecord, record, text } from '../../src/read.ts';
import { EventParser } from '../../src/sse.ts';

/** `none`: what serves this page is no node, so that there is nothing live to see. */
export type Connection = 'connecting' | 'live' | 'lost' | 'denied' | 'none';

/** What the live page knows, and how it learns more. */
export interface LiveStore {
  readonly model: Signal<ClusterModel>;
  readonly connection: Signal<Connection>;
  /** Grows with each line or sample, so that whoever shows them shows them anew. */
  readonly feedVersion: Signal<number>;
  readonly stripVersion: Signal<number>;
  readonly feed: Feed;
  readonly strips: StripMeter;
  /** What all nodes tell, for the diagram. */
  readonly trace: LiveTrace;
  readonly hasToken: Signal<boolean>;
  setToken(token: string): void;
  /** Does something; the error in words, or undefined. */
  act(path: string, body: object): Promise<string | undefined>;
  start(): () => void;
}

const pollMs = 1_000;
const newsMs = 120;
const retryMs = 1_000;

/** Makes a store that asks the node which served the page. */
export function createLiveStore(token: string | undefined): LiveStore {
  return new Store(token);
}

class Store implements LiveStore {
  readonly model = signal(emptyModel);
  readonly connection = signal<Connection>('connecting');
  readonly feedVersion = signal(0);
  readonly stripVersion = signal(0);
  readonly hasToken: Signal<boolean>;
  readonly feed = new Feed();
  readonly strips = new StripMeter();
  // From a whole second on, so that whole seconds are marked on the axis of time.
  readonly trace = new LiveTrace(Math.floor(Date.now() / 1_000) * 1_000);
  #token: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #isFramePending = false;
  #ended = new AbortController();

  constructor(token: string | undefined) {
    this.#token = token;
    this.hasToken = signal(token !== undefined);
  }

  setToken(token: string): void {
    this.#token = token;
    this.hasToken.value = true;
    this.#ended.abort();
    this.start();
  }

  start(): () => void {
    const ended = new AbortController();
    this.#ended = ended;
    this.connection.value = 'connecting';
    void this.#poll(ended.signal);
    void this.#listen(ended.signal);
    return () => {
      ended.abort();
      clearTimeout(this.#timer);
    };
  }

  async act(path: string, body: object): Promise<string | undefined> {
    try {
      const headers = { ...this.#headers(), 'content-type': 'application/json' };
      const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
      if (answer.ok) return undefined;
      const error = record(record(await answer.json())['error']);
      return `${text(error['message'], `It answered ${answer.status}.`)} ${text(error['hint'])}`.trim();
    } catch {
      return 'The node does not answer.';
    }
  }

  #headers(): Record<string, string> {
    return this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
  }

  async #poll(signal: AbortSignal): Promise<void> {
    clearTimeout(this.#timer);
    // Nobody looks at a hidden page; its stream of events goes on.
    if (!document.hidden && !this.#isAsking) await this.#ask(signal);
    if (!signal.aborted) this.#timer = setTimeout(() => void this.#poll(signal), pollMs);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    this.#isAsking = true;
    try {
      const answer = await fetch('/v1/cluster/nodes', { headers: this.#headers(), signal });
      if (answer.status === 401 || answer.status === 403) this.connection.value = 'denied';
      else if (answer.status === 404) this.connection.value = 'none';
      if (!answer.ok) return;
      const model = clusterModel(await answer.json());
      batch(() => {
        this.model.value = model;
        if (this.connection.value !== 'live') this.connection.value = 'live';
        this.strips.observe(Date.now(), model);
        this.trace.look(model, Date.now());
        this.stripVersion.value++;
      });
    } catch {
      if (!signal.aborted) this.connection.value = 'lost';
    } finally {
      this.#isAsking = false;
    }
  }

  async #listen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const answer = await fetch('/v1/cluster/events', { headers: this.#headers(), signal });
        if (answer.status === 404 || answer.status === 401 || answer.status === 403) return;
        if (answer.ok && answer.body !== null) await this.#read(answer.body, signal);
      } catch {
        // The node is away; it may come back.
      }
      if (signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }

  async #read(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
    const parser = new EventParser();
    const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done || signal.aborted) return;
      for (const json of parser.feed(value)) this.#take(json, signal);
    }
  }

  #take(json: string, signal: AbortSignal): void {
    const told = parse(json);
    if (told === undefined) return;
    this.trace.take(told, Date.now());
    // The feed and the table tell what the node that serves the page says; the others' words are for the diagram.
    if (told['type'] !== 'event' || told['isSelf'] !== true) return;
    const event = record(told['event']);
    this.feed.add(event);
    if (isRecord(event['member'])) this.model.value = withMemberNews(this.model.value, event['member']);
    if (event['type'] !== 'message') {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#poll(signal), newsMs);
    }
    this.#showFeed();
  }

  // Thousands of messages may come in a second, and a screen shows sixty pictures.
  #showFeed(): void {
    if (this.#isFramePending) return;
    this.#isFramePending = true;
    requestAnimationFrame(() => {
      this.#isFramePending = false;
      this.feedVersion.value++;
    });
  }
}

function parse(json: string): ReturnType<typeof record> | undefined {
  try {
    const event: unknown = JSON.parse(json);
    return isRecord(event) ? event : undefined;
  } catch {
    return undefined;
  }
}
