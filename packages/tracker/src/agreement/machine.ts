import { Deadlines, fraction, type Machine, type Millis, type NodeId, type Random, type Wake } from '@grp/core';
import type { Signer, TrackerCrypto } from '../ports.ts';
import {
  checkSuccession,
  majorityOf,
  signSuccession,
  verifySuccessionSignature,
  type Succession,
  type SuccessionStatement,
  type SuccessionView,
} from '../succession.ts';
import type { AgreementMessage } from './messages.ts';

/** What comes into the machine of an agreement. */
export type AgreementInput =
  /** The view in force, from the tracker or from an agreement. */
  | { readonly type: 'view'; readonly view: SuccessionView }
  /** Agreements are begun only while the tracker cannot be reached. */
  | { readonly type: 'tracker'; readonly isThere: boolean }
  /** All members that do not answer; replaces what was said before. */
  | { readonly type: 'suspects'; readonly members: readonly NodeId[] }
  /** `from` as the transport proves it. */
  | { readonly type: 'message'; readonly from: NodeId; readonly message: AgreementMessage };

/** `idle`: nothing to agree on. `blocked`: those who answer are no majority; the view stands still. */
export type AgreementStatus = 'idle' | 'agreeing' | 'blocked';

/** What the machine of an agreement wants done, in order. */
export type AgreementEffect =
  | { readonly type: 'send'; readonly to: NodeId; readonly message: AgreementMessage }
  /** Hand it to `TrackerClient.adopt`, and give the machine the view that follows. */
  | { readonly type: 'decided'; readonly succession: Succession }
  | { readonly type: 'status'; readonly status: AgreementStatus };

/** What the machine of one member in an agreement is made with. */
export interface AgreementMachineOptions {
  readonly group: string;
  readonly self: NodeId;
  readonly signer: Signer;
  readonly crypto: TrackerCrypto;
  readonly random: Random;
  /** How long a round may take before the next is tried (default 500 ms): some round trips. */
  readonly roundMs?: Millis;
}

interface Accepted {
  readonly round: number;
  readonly removed: readonly NodeId[];
}

/** A round that this member leads. */
interface Lead {
  readonly round: number;
  readonly promises: Map<NodeId, Accepted | undefined>;
  /** Undefined while promises are collected. */
  proposal: SuccessionStatement | undefined;
  readonly signatures: Map<NodeId, string>;
}

/** What was decided is told again so often to whoever does not confirm it. */
const tellMax = 20;
const historyMax = 8;

/**
 * Agrees with the other members of one view on the view that follows, while the tracker is away: single-decree Paxos
 * (Lamport, "Paxos Made Simple", 2001) with one instance for each view, whose value is the list of members that are gone
 * and whose acceptors are the members. An acceptance is a signature, so that a majority of them convinces anybody later:
 * the tracker first of all. Two successions of one view never differ as long as no member signs against the protocol. A
 * member that crashes does not come back under its id, so that nothing has to be kept on a disk.
 */
export class AgreementMachine implements Machine<AgreementInput, AgreementEffect> {
  readonly #options: AgreementMachineOptions;
  readonly #roundMs: Millis;
  readonly #deadlines = new Deadlines<'round' | 'resend' | 'tell'>();
  /** Decided here or heard of, newest last: for members that are behind. */
  readonly #history: Succession[] = [];
  #effects: AgreementEffect[] = [];
  #now: Millis = 0;
  #view: SuccessionView = { number: 0, members: [] };
  #suspects: ReadonlySet<NodeId> = new Set();
  #isTrackerThere = true;
  #promised = 0;
  #accepted: Accepted | undefined;
  #lead: Lead | undefined;
  #attempt = 0;
  #status: AgreementStatus = 'idle';
  /** Who has not confirmed the last decision. */
  #unaware = new Set<NodeId>();
  #told = 0;

  constructor(options: AgreementMachineOptions) {
    this.#options = options;
    this.#roundMs = options.roundMs ?? 500;
  }

  get status(): AgreementStatus {
    return this.#status;
  }

  step(inputs: readonly (AgreementInput | Wake)[], now: Millis): readonly AgreementEffect[] {
    this.#now = now;
    for (const input of inputs) this.#take(input);
    for (let due = this.#deadlines.takeDue(now); due !== undefined; due = this.#deadlines.takeDue(now)) {
      if (due === 'round') this.#prepare();
      else if (due === 'resend') this.#resend();
      else this.#tell();
    }
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  nextDeadline(): Millis | undefined {
    return this.#deadlines.earliest();
  }

  #take(input: AgreementInput | Wake): void {
    switch (input.type) {
      case 'view':
        if (input.view.number <= this.#view.number) break;
        this.#view = input.view;
        this.#promised = 0;
        this.#accepted = undefined;
        this.#lead = undefined;
        this.#attempt = 0;
        this.#deadlines.delete('round');
        this.#consider();
        break;
      case 'tracker':
        this.#isTrackerThere = input.isThere;
        this.#consider();
        break;
      case 'suspects':
        this.#suspects = new Set(input.members);
        this.#consider();
        break;
      case 'message':
        this.#receive(input.from, input.message);
        break;
      case 'wake':
        break;
    }
  }

  /** Is there something to agree on, and enough of us? */
  #consider(): void {
    const { members } = this.#view;
    const gone = members.filter(({ id }) => this.#suspects.has(id)).length;
    const isMember = members.some(({ id }) => id === this.#options.self);
    const isNeeded = !this.#isTrackerThere && gone > 0 && isMember;
    const isPossible = members.length - gone >= majorityOf(members.length);
    this.#setStatus(isNeeded ? (isPossible ? 'agreeing' : 'blocked') : 'idle');
    if (!isNeeded || !isPossible) {
      this.#deadlines.delete('round');
      this.#lead = undefined;
    } else if (this.#lead === undefined && this.#deadlines.get('round') === undefined) {
      this.#deadlines.set('round', this.#now + this.#waitMs());
    }
  }

  /** The first member that answers leads at once; the others give it a round each, so that two seldom meet. */
  #waitMs(): Millis {
    const answering = this.#view.members.filter(({ id }) => !this.#suspects.has(id));
    const place = answering.findIndex(({ id }) => id === this.#options.self);
    const jitter = (place + this.#attempt) * this.#roundMs * fraction(this.#options.random);
    return (place + Math.min(this.#attempt, 4)) * this.#roundMs + jitter;
  }

  #prepare(): void {
    const { members } = this.#view;
    const rank = members.findIndex(({ id }) => id === this.#options.self);
    const past = Math.max(this.#promised, this.#lead?.round ?? 0);
    // Rounds of different members are different numbers.
    const round = (Math.floor(past / members.length) + 1) * members.length + rank;
    this.#lead = { round, promises: new Map(), proposal: undefined, signatures: new Map() };
    this.#attempt++;
    this.#deadlines.set('round', this.#now + 2 * this.#roundMs + this.#waitMs());
    this.#deadlines.set('resend', this.#now + this.#roundMs / 2);
    this.#broadcast({ type: 'prepare', base: this.#view.number, round });
  }

  /** Asks those again that have not answered in this round. */
  #resend(): void {
    const lead = this.#lead;
    if (lead === undefined) return;
    const { round, proposal, promises, signatures } = lead;
    const { number: base, members } = this.#view;
    const answered: ReadonlyMap<NodeId, unknown> = proposal === undefined ? promises : signatures;
    for (const { id } of members) {
      if (answered.has(id) || this.#suspects.has(id)) continue;
      if (proposal === undefined) this.#send(id, { type: 'prepare', base, round });
      else this.#send(id, { type: 'accept', base, round, removed: proposal.removed });
    }
    this.#deadlines.set('resend', this.#now + this.#roundMs / 2);
  }

  #receive(from: NodeId, message: AgreementMessage): void {
    if (message.type === 'decided') {
      this.#onDecided(from, message.succession);
      return;
    }
    if (message.type === 'learned') {
      if (message.base === this.#history.at(-1)?.base) this.#unaware.delete(from);
      return;
    }
    if (message.base !== this.#view.number) {
      const succession = this.#history.find(({ base }) => base === message.base);
      if (succession !== undefined) this.#send(from, { type: 'decided', base: message.base, succession });
      return;
    }
    if (!this.#view.members.some(({ id }) => id === from)) return;
    if (message.type === 'prepare') this.#onPrepare(from, message.round);
    else if (message.type === 'accept') this.#onAccept(from, message.round, message.removed);
    else if (message.type === 'promise') this.#onPromise(from, message.round, message.accepted);
    else if (message.type === 'accepted') this.#onAccepted(from, message.round, message.signature);
    else this.#onRefuse(message.round, message.promised);
  }

  #onPrepare(from: NodeId, round: number): void {
    const { number: base } = this.#view;
    if (round < this.#promised) {
      this.#send(from, { type: 'refuse', base, round, promised: this.#promised });
      return;
    }
    this.#promised = round;
    this.#send(from, { type: 'promise', base, round, ...(this.#accepted && { accepted: this.#accepted }) });
  }

  #onPromise(from: NodeId, round: number, accepted: Accepted | undefined): void {
    const lead = this.#lead;
    if (lead?.round !== round || lead.proposal !== undefined) return;
    lead.promises.set(from, accepted);
    if (lead.promises.size < majorityOf(this.#view.members.length)) return;
    let last: Accepted | undefined;
    for (const other of lead.promises.values())
      if (other !== undefined && other.round > (last?.round ?? -1)) last = other;
    // What may have been decided already is proposed again, whatever this member thinks of it by now.
    const removed = last?.removed ?? this.#view.members.flatMap(({ id }) => (this.#suspects.has(id) ? [id] : []));
    if (removed.length === 0) return; // everybody answers again
    lead.proposal = this.#statement(round, removed);
    this.#broadcast({ type: 'accept', base: this.#view.number, round, removed });
  }

  #onAccept(from: NodeId, round: number, removed: readonly NodeId[]): void {
    const { number: base, members } = this.#view;
    if (round < this.#promised) {
      this.#send(from, { type: 'refuse', base, round, promised: this.#promised });
      return;
    }
    const gone = new Set(removed);
    const inOrder = members.filter(({ id }) => gone.has(id)).map(({ id }) => id);
    // A list that no view has is nobody's proposal. A member that is to go itself accepts like any other: what may have
    // been decided must be decidable, or an early mistake would keep all others from agreeing on anything.
    if (removed.length === 0 || inOrder.join() !== removed.join()) return;
    this.#promised = round;
    this.#accepted = { round, removed };
    const signature = signSuccession(this.#statement(round, removed), this.#options.signer);
    this.#send(from, { type: 'accepted', base, round, signature });
  }

  #onAccepted(from: NodeId, round: number, signature: string): void {
    const { crypto } = this.#options;
    const lead = this.#lead;
    const { members } = this.#view;
    const key = members.find(({ id }) => id === from)?.key;
    if (lead?.round !== round || lead.proposal === undefined || key === undefined) return;
    if (!verifySuccessionSignature(lead.proposal, signature, key, crypto)) return;
    lead.signatures.set(from, signature);
    if (lead.signatures.size < majorityOf(members.length)) return;
    this.#decide({ ...lead.proposal, signatures: [...lead.signatures] });
  }

  #onRefuse(round: number, promised: number): void {
    if (this.#lead?.round !== round) return;
    this.#promised = Math.max(this.#promised, promised);
    this.#lead = undefined;
    this.#deadlines.set('round', this.#now + this.#waitMs());
  }

  #onDecided(from: NodeId, succession: Succession): void {
    const isKnown = succession.base < this.#view.number || this.#history.at(-1)?.base === succession.base;
    if (!isKnown) {
      const verdict = checkSuccession(succession, this.#view, this.#options.crypto);
      if (succession.group !== this.#options.group || verdict !== 'valid') return;
      this.#decide(succession);
    }
    this.#send(from, { type: 'learned', base: succession.base });
  }

  #decide(succession: Succession): void {
    const { self } = this.#options;
    this.#lead = undefined;
    this.#deadlines.delete('round');
    this.#history.push(succession);
    if (this.#history.length > historyMax) this.#history.shift();
    const gone = new Set(succession.removed);
    const others = this.#view.members.filter(({ id }) => id !== self && !gone.has(id));
    this.#unaware = new Set(others.map(({ id }) => id));
    this.#told = 0;
    this.#effects.push({ type: 'decided', succession });
    this.#tell();
  }

  /** Everyone who learned of it tells it on: the one who decided may be gone by now. */
  #tell(): void {
    const succession = this.#history.at(-1);
    if (succession === undefined || this.#unaware.size === 0 || this.#told >= tellMax) return;
    for (const to of this.#unaware) this.#send(to, { type: 'decided', base: succession.base, succession });
    this.#told++;
    this.#deadlines.set('tell', this.#now + this.#roundMs);
  }

  #statement(round: number, removed: readonly NodeId[]): SuccessionStatement {
    const { number: base } = this.#view;
    return { group: this.#options.group, base, number: base + 1, removed, round };
  }

  #setStatus(status: AgreementStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#effects.push({ type: 'status', status });
  }

  /** To all members that are not known to be gone; to itself at once. */
  #broadcast(message: AgreementMessage): void {
    for (const { id } of this.#view.members) if (!this.#suspects.has(id)) this.#send(id, message);
  }

  #send(to: NodeId, message: AgreementMessage): void {
    if (to === this.#options.self) this.#receive(to, message);
    else this.#effects.push({ type: 'send', to, message });
  }
}
