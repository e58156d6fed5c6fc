import { defineConfig, invariant, type Millis } from '@grp/core';
import type { Delay } from './delay.ts';

/** How one direction between two hosts behaves. Probabilities are 0 … 1, for each datagram by itself. */
export interface LinkSettings {
  /** One way, drawn for each datagram, so that a spread reorders by itself (default 0.2 … 1 ms, a local network). */
  readonly delay: Delay;
  /** Datagrams that vanish; on a byte stream, segments that are sent again (default 0). */
  readonly loss: number;
  /** Datagrams that arrive twice (default 0). */
  readonly duplication: number;
  /** Datagrams held back by up to `reorderMs` more (default 0). */
  readonly reorder: number;
  readonly reorderMs: Millis;
  /** Datagrams that arrive with one bit flipped, as if a checksum had missed it (default 0). */
  readonly corruption: number;
  /** Bytes a second; what comes faster waits in a queue (default: no limit). */
  readonly bandwidth: number;
  /** Bytes that may wait for the bandwidth (default 256 KiB); more datagrams are dropped. */
  readonly queueBytesMax: number;
  /** The longest datagram with its 28 bytes of headers (default 1,500 bytes). */
  readonly mtuBytes: number;
}

const probability = (reason: string) => ({ default: 0, min: 0, max: 1, unit: 'probability', reason, fraction: true });

const linkConfig = defineConfig({
  loss: probability('A test asks for the trouble that it wants.'),
  duplication: probability('A test asks for the trouble that it wants.'),
  reorder: probability('The spread of the delay reorders by itself.'),
  reorderMs: { default: 20, min: 0, max: 60_000, unit: 'ms', reason: 'Far beyond the usual delay.', fraction: true },
  corruption: probability('UDP checksums catch nearly all of it.'),
  bandwidth: { default: Infinity, min: 1, max: Infinity, unit: 'bytes/s', reason: 'No limit.', fraction: true },
  queueBytesMax: { default: 262_144, min: 1_500, max: 1e9, unit: 'bytes', reason: 'A small router’s queue.' },
  mtuBytes: { default: 1_500, min: 68, max: 65_535, unit: 'bytes', reason: 'Ethernet.' },
});

const defaultDelay: Delay = { minMs: 0.2, maxMs: 1 };

/** An ordered pair of hosts. */
export interface Pair {
  readonly from: { readonly index: number };
  readonly to: { readonly index: number };
}

/** One direction between two hosts: its settings, and how long its wire is taken. */
export class Link {
  readonly settings: LinkSettings;
  #freeAt: Millis = 0;

  constructor(settings: LinkSettings) {
    this.settings = settings;
  }

  /** Takes the wire for these bytes; ms until they are on it, or undefined when more than `queueBytesMax` would wait. */
  enqueue(now: Millis, sizeBytes: number, queueBytesMax: number): Millis | undefined {
    const { bandwidth } = this.settings;
    if (bandwidth === Infinity) return 0;
    const startsAt = this.#freeAt > now ? this.#freeAt : now;
    if (((startsAt - now) * bandwidth) / 1_000 + sizeBytes > queueBytesMax) return undefined;
    this.#freeAt = startsAt + (sizeBytes * 1_000) / bandwidth;
    return this.#freeAt - now;
  }
}

interface Rule {
  readonly key: string;
  readonly from: ReadonlySet<number> | undefined;
  readonly to: ReadonlySet<number> | undefined;
  readonly settings: Partial<LinkSettings>;
}

/** Which hosts a change of settings is about; an absent side means every host. */
export interface RuleHosts {
  readonly from?: readonly number[] | undefined;
  readonly to?: readonly number[] | undefined;
}

/** The settings of every pair: common ones, and rules for some pairs, of which the later one wins. */
export class Links {
  readonly #initial: LinkSettings;
  #common: LinkSettings;
  #shared: Link;
  #rules: readonly Rule[] = [];
  readonly #pairs = new Map<number, Link>();
  #uniform = true;

  constructor(settings: Partial<LinkSettings>) {
    this.#initial = resolveLink({ delay: defaultDelay, ...linkConfig.defaults }, settings);
    this.#common = this.#initial;
    this.#shared = new Link(this.#common);
    this.#refresh();
  }

  between(from: number, to: number): Link {
    if (this.#uniform) return this.#shared;
    const key = from * 65_536 + to;
    let link = this.#pairs.get(key);
    if (link === undefined) {
      link = new Link(this.#settingsOf(from, to));
      this.#pairs.set(key, link);
    }
    return link;
  }

  /** @throws GrpError CONFIG_INVALID */
  set(settings: Partial<LinkSettings>, { from, to }: RuleHosts = {}): void {
    const resolved = resolveLink(this.#common, settings);
    if (from === undefined && to === undefined) {
      this.#common = resolved;
      // A change for all pairs also replaces what older rules said about the same things.
      this.#rules = this.#rules.map((rule) => ({ ...rule, settings: without(rule.settings, settings) }));
    } else {
      const key = `${from?.join() ?? '*'}>${to?.join() ?? '*'}`;
      const older = this.#rules.find((rule) => rule.key === key);
      const rule = { key, from: asSet(from), to: asSet(to), settings: { ...older?.settings, ...settings } };
      this.#rules = [...this.#rules.filter((other) => other !== older), rule];
    }
    this.#refresh();
  }

  /** As at the start of the world. */
  reset(): void {
    this.#common = this.#initial;
    this.#rules = [];
    this.#refresh();
  }

  #refresh(): void {
    this.#pairs.clear();
    this.#shared = new Link(this.#common);
    // Without a bandwidth no link has a state of its own, so that one object serves all pairs.
    this.#uniform = this.#rules.length === 0 && this.#common.bandwidth === Infinity;
  }

  #settingsOf(from: number, to: number): LinkSettings {
    let settings = this.#common;
    for (const rule of this.#rules)
      if ((rule.from?.has(from) ?? true) && (rule.to?.has(to) ?? true)) settings = { ...settings, ...rule.settings };
    return settings;
  }
}

function resolveLink(base: LinkSettings, given: Partial<LinkSettings>): LinkSettings {
  const { delay: baseDelay, ...baseNumbers } = base;
  const { delay = baseDelay, ...numbers } = given;
  const parts = typeof delay === 'number' ? [delay] : Object.values(delay);
  invariant(
    parts.every((part) => part >= 0 && part < Infinity),
    'a delay is made of numbers that are not negative',
  );
  return { delay, ...linkConfig.resolve({ ...baseNumbers, ...numbers }) };
}

function without(settings: Partial<LinkSettings>, removed: Partial<LinkSettings>): Partial<LinkSettings> {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !Object.hasOwn(removed, name)));
}

function asSet(indices: readonly number[] | undefined): ReadonlySet<number> | undefined {
  return indices === undefined ? undefined : new Set(indices);
}
