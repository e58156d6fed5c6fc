import { Deadlines, type Address, type Clock, type Machine, type Millis, type NodeId, type Wake } from '@grp/core';
import { defineConfig, drive, systemClock, type Cancel, type ConfigOf } from '@grp/core';
import type { GroupMember } from './api.ts';
import type { FailureDetector, Links } from './ports.ts';

/** When a heartbeat detector speaks, asks and gives up. */
export const heartbeatConfig = defineConfig(
  {
    intervalMs: {
      default: 250,
      min: 5,
      max: 60_000,
      unit: 'ms',
      reason: 'Each member tells each other that it lives: right for tens of members, not for hundreds.',
    },
    suspectMs: {
      default: 2_000,
      min: 20,
      max: 600_000,
      unit: 'ms',
      reason: 'Silence that counts as death: a retransmission at 10 % loss and a pause of a healthy process fit in.',
    },
    hintMs: {
      default: 500,
      min: 10,
      max: 600_000,
      unit: 'ms',
      reason: 'The same for a member that somebody complained of: it is asked at once, and has so long to answer.',
    },
  },
  [
    ['hintMs must not exceed suspectMs', (c) => c.hintMs <= c.suspectMs],
    ['intervalMs must be less than half of suspectMs', (c) => c.intervalMs * 2 < c.suspectMs],
  ],
);

/** The settings of a failure detector by heartbeats, resolved. */
export type HeartbeatConfig = ConfigOf<typeof heartbeatConfig.table>;

/** What a failure detector by heartbeats runs on. */
export interface HeartbeatOptions {
  readonly links: Links;
  /** This life: what the group calls this member. */
  readonly id: NodeId;
  readonly clock?: Clock;
  readonly config?: Partial<HeartbeatConfig>;
}

/** A failure detector, and the links for the group, whose messages share them with the heartbeats. */
export interface HeartbeatDetector extends FailureDetector {
  readonly links: Links;
  watch(members: readonly GroupMember[]): void;
  /** Says nothing more, and asks for nothing. Idempotent. */
  close(): void;
}

/**
 * Makes a failure detector that does without swim: every member of the view tells every other one that it lives, over the
 * same links. Every message counts as a sign of life. It is complete (who is dead gets suspected) and, as long as no
 * member is silent for longer than `suspectMs`, accurate (Chandra and Toueg 1996: eventually perfect).
 * @throws GrpError CONFIG_INVALID
 * @example
 * const detector = createHeartbeatDetector({ links, id });
 * const group = createGroup({ links: detector.links, detector }, { id, name: 'ann' });
 */
export function createHeartbeatDetector(options: HeartbeatOptions): HeartbeatDetector {
  return new HeartbeatNode(options);
}

type Input =
  | { readonly type: 'watch'; readonly members: readonly GroupMember[] }
  | { readonly type: 'heard'; readonly from: Address; readonly id: NodeId | undefined; readonly isAsking: boolean }
  | { readonly type: 'hint'; readonly member: NodeId }
  | { readonly type: 'reset'; readonly peer: Address };

type Effect =
  | { readonly type: 'send'; readonly to: Address; readonly isAsking: boolean }
  | { readonly type: 'suspect' | 'trust'; readonly member: NodeId };

interface Watched {
  readonly member: GroupMember;
  heardAt: Millis;
  /** It has so long to give a sign. */
  deadline: Millis;
  isSuspected: boolean;
  /** Another life may speak from its address: only a beat with its own id counts. */
  isDoubtful: boolean;
}

class HeartbeatMachine implements Machine<Input, Effect> {
  readonly #self: NodeId;
  readonly #config: HeartbeatConfig;
  readonly #deadlines = new Deadlines<NodeId | 'speak'>();
  readonly #watched = new Map<NodeId, Watched>();
  readonly #byAddress = new Map<Address, Watched>();
  #effects: Effect[] = [];

  constructor(self: NodeId, config: HeartbeatConfig) {
    this.#self = self;
    this.#config = config;
  }

  step(inputs: readonly (Input | Wake)[], now: Millis): readonly Effect[] {
    for (const input of inputs) {
      if (input.type === 'watch') this.#watch(input.members, now);
      else if (input.type === 'heard') this.#heard(input, now);
      else if (input.type === 'hint') this.#hint(input.member, now);
      else if (input.type === 'reset') this.#doubt(input.peer);
    }
    for (let key = this.#deadlines.takeDue(now); key !== undefined; key = this.#deadlines.takeDue(now)) {
      if (key === 'speak') this.#speak(now);
      else this.#due(key, now);
    }
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  nextDeadline(): Millis | undefined {
    return this.#deadlines.earliest();
  }

  #watch(members: readonly GroupMember[], now: Millis): void {
    const wanted = new Map(members.filter(({ id }) => id !== this.#self).map((member) => [member.id, member]));
    for (const [id, { member, isSuspected }] of this.#watched) {
      if (wanted.has(id)) continue;
      // No opinion any more, so that it can come back: if it is dead after all, watching it again will show.
      if (isSuspected) this.#effects.push({ type: 'trust', member: id });
      this.#watched.delete(id);
      this.#byAddress.delete(member.address);
      this.#deadlines.delete(id);
    }
    for (const [id, member] of wanted) {
      if (this.#watched.has(id)) continue;
      const deadline = now + this.#config.suspectMs;
      const watched = { member, heardAt: now, deadline, isSuspected: false, isDoubtful: false };
      this.#watched.set(id, watched);
      this.#byAddress.set(member.address, watched);
      this.#deadlines.set(id, deadline);
    }
    if (this.#watched.size === 0) this.#deadlines.delete('speak');
    else if (this.#deadlines.get('speak') === undefined) this.#deadlines.set('speak', now);
  }

  #heard({ from, id, isAsking }: Extract<Input, { type: 'heard' }>, now: Millis): void {
    if (isAsking) this.#effects.push({ type: 'send', to: from, isAsking: false });
    const watched = this.#byAddress.get(from);
    if (watched === undefined) return;
    // Another life answers from there, so the one that is watched is over.
    if (id !== undefined && id !== watched.member.id) return this.#suspect(watched);
    if (watched.isDoubtful && id === undefined) return;
    watched.isDoubtful = false;
    watched.heardAt = now;
    watched.deadline = now + this.#config.suspectMs;
    if (!watched.isSuspected) return;
    watched.isSuspected = false;
    this.#deadlines.set(watched.member.id, watched.deadline);
    this.#effects.push({ type: 'trust', member: watched.member.id });
  }

  #hint(member: NodeId, now: Millis): void {
    const watched = this.#watched.get(member);
    if (watched === undefined || watched.isSuspected) return;
    const deadline = now + this.#config.hintMs;
    if (deadline >= watched.deadline || now - watched.heardAt < 1) return;
    watched.deadline = deadline;
    this.#deadlines.set(member, deadline);
    this.#effects.push({ type: 'send', to: watched.member.address, isAsking: true });
  }

  // The links began anew: the member may have, too.
  #doubt(peer: Address): void {
    const watched = this.#byAddress.get(peer);
    if (watched === undefined) return;
    watched.isDoubtful = true;
    this.#effects.push({ type: 'send', to: peer, isAsking: true });
  }

  #due(id: NodeId, now: Millis): void {
    const watched = this.#watched.get(id);
    if (watched === undefined || watched.isSuspected) return;
    // Signs of life only move the deadline in the record: moving the timer for each message would cost more.
    if (now < watched.deadline) return this.#deadlines.set(id, watched.deadline);
    this.#suspect(watched);
  }

  #suspect(watched: Watched): void {
    if (watched.isSuspected) return;
    watched.isSuspected = true;
    this.#deadlines.delete(watched.member.id);
    this.#effects.push({ type: 'suspect', member: watched.member.id });
  }

  #speak(now: Millis): void {
    for (const { member } of this.#watched.values())
      this.#effects.push({ type: 'send', to: member.address, isAsking: false });
    this.#deadlines.set('speak', now + this.#config.intervalMs);
  }
}

/** First byte of a heartbeat; the group's messages begin with others. */
const tag = 0x31;
const idBytesMax = 512;
const text = new TextDecoder();

class HeartbeatNode implements HeartbeatDetector {
  readonly links: Links;
  readonly #suspectListeners = new Set<(member: NodeId) => void>();
  readonly #trustListeners = new Set<(member: NodeId) => void>();
  readonly #driver;
  #receive: ((from: Address, message: Uint8Array) => void) | undefined;

  constructor({ links, id, clock = systemClock(), config }: HeartbeatOptions) {
    const machine = new HeartbeatMachine(id, heartbeatConfig.resolve(config));
    const [plain, asking] = [encodeBeat(id, false), encodeBeat(id, true)];
    this.#driver = drive<Input, Effect>({
      machine,
      clock,
      perform: (effect) => {
        // A full queue to a peer says enough by itself: the beat is lost.
        if (effect.type === 'send') links.send(effect.to, effect.isAsking ? asking : plain);
        else if (effect.type === 'suspect') this.#suspectListeners.forEach((listener) => listener(effect.member));
        else this.#trustListeners.forEach((listener) => listener(effect.member));
      },
      onFatal: () => {},
    });
    links.onReceive((from, message) => this.#take(from, message));
    links.onReset((peer) => this.#driver.push({ type: 'reset', peer }));
    this.links = this.#sharedLinks(links);
  }

  watch(members: readonly GroupMember[]): void {
    this.#driver.push({ type: 'watch', members });
  }

  onSuspect(listener: (member: NodeId) => void): Cancel {
    this.#suspectListeners.add(listener);
    return () => void this.#suspectListeners.delete(listener);
  }

  onTrust(listener: (member: NodeId) => void): Cancel {
    this.#trustListeners.add(listener);
    return () => void this.#trustListeners.delete(listener);
  }

  hint(member: NodeId): void {
    this.#driver.push({ type: 'hint', member });
  }

  close(): void {
    this.#driver.stop();
  }

  #take(from: Address, message: Uint8Array): void {
    if (message[0] !== tag) {
      this.#driver.push({ type: 'heard', from, id: undefined, isAsking: false });
      this.#receive?.(from, message);
    } else if (message.length > 2 && message.length <= idBytesMax) {
      const id = text.decode(message.subarray(2)) as NodeId;
      this.#driver.push({ type: 'heard', from, id, isAsking: message[1] === 1 });
    }
  }

  // The group's view of the links: all but the heartbeats.
  #sharedLinks(links: Links): Links {
    return {
      self: links.self,
      maxPayloadBytes: links.maxPayloadBytes,
      frameBytes: links.frameBytes,
      delivery: 'fifo',
      send: (to, message) => links.send(to, message),
      onReceive: (listener) => {
        this.#receive = listener;
        return () => {
          if (this.#receive === listener) this.#receive = undefined;
        };
      },
      onReset: (listener) => links.onReset(listener),
      flush: () => links.flush?.(),
      onWritable: (listener) => links.onWritable(listener),
      onTrouble: (listener) => links.onTrouble(listener),
      forget: (peer) => links.forget(peer),
      close: () => {
        this.close();
        return links.close();
      },
    };
  }
}

function encodeBeat(id: NodeId, isAsking: boolean): Uint8Array {
  const name = new TextEncoder().encode(id);
  const bytes = new Uint8Array(2 + name.length);
  bytes.set([tag, isAsking ? 1 : 0]);
  bytes.set(name, 2);
  return bytes;
}
