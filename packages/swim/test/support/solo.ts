import { seededRandom } from '@grp/sim';
import { wake, type Address, type Keyring, type Wake } from '@grp/core';
import { openDatagram, type Message, type NodeState, type StreamMessage } from '@grp/memberlist-wire';
import { swimConfig, SwimMachine, type Effect, type Input, type Member, type SwimConfig } from '../../src/index.ts';
import { writeMeta } from '../../src/members.ts';

/** Members are single letters: `a` is this machine, at 10.0.0.1, `b` is at 10.0.0.2, and so on. */
export function addressOf(name: string): Address {
  return `10.0.0.${name.charCodeAt(0) - 96}:7946` as Address;
}

export function nameOf(address: string): string {
  const match = /^10\.0\.0\.(\d+):7946$/.exec(address);
  return match === null ? address : String.fromCharCode(96 + Number(match[1]));
}

export const versions = Uint8Array.of(1, 5, 2, 2, 5, 5);
/** When a life began, unless a test says otherwise: the wall clock of these tests starts here, at machine time 0. */
export const epochMs = 1_700_000_000_000;

export interface Described {
  readonly incarnation?: number;
  readonly startedAt?: number;
  readonly address?: Address;
  readonly state?: NodeState['state'];
  readonly versions?: Uint8Array;
  readonly meta?: Uint8Array;
}

/** A member as a list has it; without more, alive with incarnation 10 in a life that began at `epochMs`. */
export function node(name: string, described: Described = {}): NodeState {
  return {
    name,
    address: addressOf(name),
    incarnation: 10,
    state: 'alive',
    versions,
    meta: writeMeta({}, described.startedAt ?? epochMs),
    ...described,
  };
}

export function alive(name: string, described: Described = {}): Message {
  const { address, incarnation, meta, versions: spoken } = node(name, described);
  return { type: 'alive', node: name, address, incarnation, meta, versions: spoken };
}

/** `accuse('suspect', 'c', 10, 'b')`: b says so of c's incarnation 10. */
export function accuse(type: 'suspect' | 'dead', name: string, incarnation: number, from: string): Message {
  return { type, node: name, incarnation, from };
}

export function pushPull(nodes: readonly NodeState[], join = false): StreamMessage {
  return { type: 'push-pull', join, nodes, userState: new Uint8Array(0) };
}

export interface SoloOptions {
  readonly config?: Partial<SwimConfig>;
  readonly keyring?: Keyring;
  readonly startedAt?: number;
  readonly incarnation?: number;
  readonly seed?: number;
}

/** One machine that is fed by hand: no network, no clock. What it wants done is kept as data and as a transcript. */
export class Solo {
  readonly machine: SwimMachine;
  readonly #transcript: string[] = [];
  readonly #sequences = new Map<number, number>();
  /** Everything since the last `take`. */
  #effects: Effect[] = [];
  #ticket = 1_000;
  now = 0;

  constructor({ config, keyring, startedAt = epochMs, incarnation = 10, seed = 1 }: SoloOptions = {}) {
    this.machine = new SwimMachine({
      name: 'a',
      address: addressOf('a'),
      meta: writeMeta({}, startedAt),
      incarnation,
      // Timers of their own kind are tested by themselves; here they would only be noise.
      config: swimConfig.resolve({ pushPullIntervalMs: 0, ...timing, ...config }),
      random: seededRandom(seed),
      datagramBytes: 1_300,
      wallMs: (at) => epochMs + at,
      keyring,
    });
  }

  /** Hands over inputs at this instant; returns what they led to. */
  give(...inputs: (Input | Wake)[]): readonly Effect[] {
    const effects = this.machine.step(inputs, this.now);
    this.#note(effects);
    return effects;
  }

  #note(effects: readonly Effect[]): void {
    for (const effect of effects) this.#transcript.push(`${this.now} ${this.#line(effect)}`);
    this.#effects.push(...effects);
  }

  datagram(from: string, ...messages: Message[]): readonly Effect[] {
    return this.give({ type: 'datagram', from: addressOf(from), bytes: 100, messages });
  }

  /** Lets time pass; the machine is woken exactly when it wants to be. */
  run(ms: number): readonly Effect[] {
    const end = this.now + ms;
    const effects: Effect[] = [];
    for (let steps = 0; ; steps++) {
      if (steps > 20_000) throw new Error(`the machine wants to be woken again and again at ${this.now}`);
      const at = this.machine.nextDeadline();
      if (at === undefined || at > end) break;
      this.now = Math.max(this.now, at);
      effects.push(...this.give(wake));
    }
    this.now = end;
    return effects;
  }

  /** Time passes without a wake-up, as for a stopped process; then everything comes at once. */
  stall(ms: number): readonly Effect[] {
    this.now += ms;
    return this.give(wake);
  }

  /** Joins through the first of these members, whose list has all of them, and lets the news fade. */
  know(...nodes: readonly (NodeState | string)[]): this {
    const known = nodes.map((one) => (typeof one === 'string' ? node(one) : one));
    const seed = known[0] as NodeState;
    const effects = this.give({ type: 'join', ticket: this.#ticket++, addresses: [seed.address] });
    const dialled = effects.find((effect) => effect.type === 'exchange');
    if (dialled !== undefined) this.give({ type: 'reply', ticket: dialled.ticket, message: pushPull(known, true) });
    this.run(10_000);
    this.take();
    return this;
  }

  /** Has the machine probe a member as when its turn comes: directly first. A second claim to the name does that. */
  probe(name: string): readonly Effect[] {
    const member = this.machine.members().find((one) => one.name === name);
    if (member === undefined || name === 'a' || !/alive|suspect/.test(member.status)) return [];
    const rival: Described = {
      incarnation: member.incarnation + 1,
      startedAt: epochMs + 1,
      address: '10.9.9.9:7946' as Address,
    };
    const input = { type: 'datagram' as const, from: member.address, bytes: 100, messages: [alive(name, rival)] };
    const effects = this.machine.step([input], this.now).filter(({ type }) => type !== 'drop');
    this.#note(effects);
    return effects;
  }

  /** Tells the machine that something looks wrong with a member. */
  hint(name: string): readonly Effect[] {
    return this.give({ type: 'hint', member: name });
  }

  /** What happened since the last `take`, one line each; wall time is left out, sequences are numbered as they appear. */
  take(): string[] {
    this.#effects = [];
    return this.#transcript.splice(0);
  }

  /** The transcript without what is only gossip: probes, dials and what was concluded. */
  takeStory(): string[] {
    return this.take().filter((line) => !line.includes(' gossip '));
  }

  drops(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const effect of this.#effects) {
      if (effect.type === 'drop') counts[effect.reason] = (counts[effect.reason] ?? 0) + 1;
    }
    return counts;
  }

  events(): string[] {
    return this.#effects.flatMap((effect) =>
      effect.type === 'member' ? [`${effect.kind} ${effect.member.name}@${effect.member.incarnation}`] : [],
    );
  }

  /** Datagrams since the last `take`, decoded. */
  sent(): { readonly to: string; readonly messages: readonly Message[] }[] {
    return sentIn(this.#effects);
  }

  /** Exchanges since the last `take`. */
  dialled(): Extract<Effect, { type: 'exchange' }>[] {
    return this.#effects.filter((effect) => effect.type === 'exchange');
  }

  member(name: string): Member {
    const found = this.machine.members().find((member) => member.name === name);
    if (found === undefined) throw new Error(`${name} is in no list`);
    return found;
  }

  /** `alive@10`, as this machine has it; `unknown` for nobody. */
  status(name: string): string {
    const found = this.machine.members().find((member) => member.name === name);
    return found === undefined ? 'unknown' : `${found.status}@${found.incarnation}`;
  }

  #line(effect: Effect): string {
    switch (effect.type) {
      case 'send': {
        const messages = effect.parts.map(decoded);
        const kind = messages.every(({ type }) => isNews(type)) ? 'gossip' : 'send';
        return `${kind} ${nameOf(effect.to)}: ${messages.map((message) => this.#message(message)).join(' + ')}`;
      }
      case 'exchange':
        return `dial ${nameOf(effect.to)}: ${this.#message(effect.message)} within ${effect.timeoutMs}`;
      case 'answer':
        return `answer ${this.#message(effect.message)}`;
      case 'member':
        return `event ${effect.kind} ${effect.member.name}@${effect.member.incarnation}`;
      case 'joined':
        return `joined through [${effect.contacted.map(nameOf).join(' ')}], failed [${effect.failed
          .map(({ address, reason }) => `${nameOf(address)}: ${reason}`)
          .join(' ')}]`;
      case 'conflict':
        return `conflict ${nameOf(effect.address)}`;
      case 'drop':
        return `drop ${effect.reason}`;
      case 'output':
        return `output ${effect.output.type}`;
      default:
        return effect.type;
    }
  }

  #message(message: Message | StreamMessage): string {
    switch (message.type) {
      case 'ping':
        return `ping ${message.node} ${this.#sequence(message.sequence)}`;
      case 'indirect-ping':
        return `indirect-ping ${message.node} ${this.#sequence(message.sequence)}`;
      case 'ack':
      case 'nack':
        return `${message.type} ${this.#sequence(message.sequence)}`;
      case 'alive':
        return `alive ${message.node}@${message.incarnation}`;
      case 'suspect':
      case 'dead':
        return `${message.type} ${message.node}@${message.incarnation} by ${message.from}`;
      case 'push-pull':
        return `push-pull [${message.nodes.map(({ name, state, incarnation }) => `${name} ${state}@${incarnation}`).join(', ')}]`;
      case 'error':
        return `error "${message.message}"`;
      default:
        return message.type;
    }
  }

  #sequence(sequence: number): string {
    const known = this.#sequences.get(sequence) ?? this.#sequences.size + 1;
    this.#sequences.set(sequence, known);
    return `#${known}`;
  }
}

/** Times that make the arithmetic in a transcript easy. */
export const timing: Partial<SwimConfig> = {
  probeIntervalMs: 1_000,
  probeTimeoutMinMs: 100,
  probeTimeoutMaxMs: 400,
  relayCount: 3,
  suspicionMinMs: 1_000,
  refusedSuspicionMinMs: 400,
  suspicionMaxFactor: 6,
  confirmationCount: 3,
  gossipIntervalMs: 200,
  stallMs: 250,
};

export function sentIn(effects: readonly Effect[]): { readonly to: string; readonly messages: readonly Message[] }[] {
  return effects.flatMap((effect) =>
    effect.type === 'send' ? [{ to: nameOf(effect.to), messages: effect.parts.map(decoded) }] : [],
  );
}

function isNews(type: string): boolean {
  return type === 'alive' || type === 'suspect' || type === 'dead' || type === 'user';
}

function decoded(part: Uint8Array): Message {
  const parts = openDatagram(part, {});
  const [first] = 'malformed' in parts ? [] : parts;
  if (first?.message === undefined) throw new Error('the machine sent what cannot be decoded');
  return first.message;
}
