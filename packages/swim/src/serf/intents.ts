import type { Millis } from '@grp/core';
import { encodeSerf, type SerfMessage } from '@grp/memberlist-wire';
import type { SerfContext } from './context.ts';
import { LamportClock, isLamportTime } from './lamport.ts';
import { nameLengthMax, passOnBytesMax, recentIntentMs, recentIntentsMax } from './limits.ts';

type Leave = Extract<SerfMessage, { type: 'leave' }>;
type Join = Extract<SerfMessage, { type: 'join' }>;
type MemberState = Pick<Extract<SerfMessage, { type: 'push-pull' }>, 'time' | 'statusTimes' | 'leftMembers'>;

/** What the latest intent about a known member was. */
interface Status {
  readonly time: number;
  readonly leaving: boolean;
}

/** An intent about a member that is not known yet. */
interface EarlyIntent extends Status {
  readonly heardAt: Millis;
}

/**
 * Join and leave intents: what members say about their own coming and going, each with a lamport time, the newest of
 * which counts in whatever order they arrive. They tell a leave from a failure.
 */
export class Intents {
  readonly #context: SerfContext;
  readonly #clock = new LamportClock();
  readonly #statuses = new Map<string, Status>();
  readonly #early = new Map<string, EarlyIntent>();
  #leaving = false;

  constructor(context: SerfContext) {
    this.#context = context;
  }

  /** This node is a member. Does nothing once it leaves. */
  announceJoin(): void {
    if (this.#leaving) return;
    const { name } = this.#context;
    // A list that still shows an earlier life of this node as gone gives that leave a time one too late (see `merge`),
    // which may be the very next one. A join must come after it.
    this.#clock.take();
    const time = this.#clock.take();
    this.#statuses.set(name, { time, leaving: false });
    this.#broadcast(encodeSerf({ type: 'join', time, node: name }), name);
  }

  /** This node goes: its end, seen soon after, is a leave and no failure. */
  announceLeave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    const { name } = this.#context;
    const time = this.#clock.take();
    this.#statuses.set(name, { time, leaving: true });
    this.#broadcast(encodeSerf({ type: 'leave', time, node: name, prune: false }), name);
  }

  receive(message: Leave | Join, body: Uint8Array): void {
    const news = message.type === 'leave' ? this.#takeLeave(message) : this.#takeJoin(message);
    if (!news) return;
    if (body.length <= passOnBytesMax) this.#broadcast(body.slice(), message.node);
    else this.#drop('too-long-to-pass-on');
  }

  memberJoined(name: string): void {
    const early = this.#early.get(name);
    const known = this.#statuses.get(name);
    this.#early.delete(name);
    const current = early !== undefined && this.#context.now() - early.heardAt <= recentIntentMs;
    if (current && early.time > (known?.time ?? 0)) {
      this.#statuses.set(name, { time: early.time, leaving: early.leaving });
      if (early.leaving) this.#context.leaveIntended(name, false);
    } else if (known !== undefined) {
      this.#statuses.set(name, { time: known.time, leaving: false }); // it left or failed, and is back
    }
  }

  /** The member is down or has left: the intent has done its work, its time still counts against older ones. */
  memberGone(name: string): void {
    const status = this.#statuses.get(name);
    if (status?.leaving === true) this.#statuses.set(name, { time: status.time, leaving: false });
  }

  memberForgotten(name: string): void {
    this.#statuses.delete(name);
  }

  state(): MemberState {
    const statusTimes = new Map<string, number>();
    const leftMembers: string[] = [];
    for (const { name, status } of this.#context.members()) {
      const time = this.#statuses.get(name)?.time;
      if (time !== undefined) statusTimes.set(name, time); // without one, the reader takes 0, as is meant
      if (status === 'left') leftMembers.push(name);
    }
    if (this.#leaving && !leftMembers.includes(this.#context.name)) leftMembers.push(this.#context.name);
    return { time: this.#clock.time, statusTimes, leftMembers };
  }

  merge({ time, statusTimes, leftMembers }: MemberState): void {
    if (isLamportTime(time) && time > 0) this.#clock.witness(time - 1);
    // A list does not say when its members left, only when they last joined: one later is the earliest it can have been.
    for (const node of leftMembers) {
      this.#takeLeave({ type: 'leave', time: (statusTimes.get(node) ?? 0) + 1, node, prune: false });
    }
    const left = new Set(leftMembers);
    for (const [node, statusTime] of statusTimes) {
      if (!left.has(node)) this.#takeJoin({ type: 'join', time: statusTime, node });
    }
  }

  /** True when the intent is news worth passing on. */
  #takeLeave({ time, node, prune }: Leave): boolean {
    if (!this.#isSound(time, node)) return false;
    this.#clock.witness(time);
    if (node === this.#context.name) {
      // An intent of an earlier life, or a lie: a newer join intent outdoes it.
      if (!this.#leaving && time > (this.#statuses.get(node)?.time ?? 0)) this.announceJoin();
      return false;
    }
    if (this.#context.member(node) === undefined) return this.#keepEarly(node, { time, leaving: true });
    const status = this.#statuses.get(node);
    if (time <= (status?.time ?? 0)) return false;
    // Whatever the status, the time moves on: two successive leave intents would be passed around for ever otherwise.
    this.#statuses.set(node, { time, leaving: true });
    this.#context.leaveIntended(node, prune);
    return true;
  }

  #takeJoin({ time, node }: Join): boolean {
    if (!this.#isSound(time, node)) return false;
    this.#clock.witness(time);
    const member = this.#context.member(node);
    // For one that has left it is early too: its time would be told as that of the leave, and the leave outlive the return.
    if (node !== this.#context.name && (member === undefined || member.status === 'left')) {
      return time > (this.#statuses.get(node)?.time ?? 0) && this.#keepEarly(node, { time, leaving: false });
    }
    const status = this.#statuses.get(node);
    if (time <= (status?.time ?? 0)) return false;
    this.#statuses.set(node, { time, leaving: this.#leaving && node === this.#context.name });
    if (status?.leaving === true && node !== this.#context.name) this.#context.leaveWithdrawn(node);
    return true;
  }

  #keepEarly(name: string, status: Status): boolean {
    const known = this.#early.get(name);
    if (known !== undefined && status.time <= known.time) return false;
    const heardAt = this.#context.now();
    this.#early.delete(name); // so that the map stays in order of hearing
    this.#early.set(name, { ...status, heardAt });
    for (const [oldest, intent] of this.#early) {
      const outdated = heardAt - intent.heardAt > recentIntentMs;
      if (!outdated && this.#early.size <= recentIntentsMax) break;
      this.#early.delete(oldest);
      if (!outdated) this.#drop('intents-limit');
    }
    return true;
  }

  #isSound(time: number, name: string): boolean {
    if (!isLamportTime(time)) return this.#drop('time-limit');
    if (name === '' || name.length > nameLengthMax) return this.#drop('name-length');
    return true;
  }

  #broadcast(body: Uint8Array, name: string): void {
    this.#context.broadcast(body, `serf|intent|${name}`);
  }

  #drop(reason: string): false {
    this.#context.output({ type: 'dropped', reason });
    return false;
  }
}

/** Serf's message types of the two intents, by which a body is known before it is decoded. */
const leaveType = 0;
const joinType = 1;

export function isIntent(body: Uint8Array): boolean {
  return body[0] === leaveType || body[0] === joinType;
}

export function isLeaveIntent(body: Uint8Array): boolean {
  return body[0] === leaveType;
}
