import type { Address, NodeId, Transport } from '@grp/core';
import type { DeliveryLevel, FailureDetector, Group, GroupMember, StateTransfer } from '@grp/gms';
import type { Host } from '@grp/sim';
import { levelPort, type LevelMember, type MemberEnvironment, type StartMember } from './member.ts';
import { describePacket } from './packets.ts';
import { changed, freshWorker, type ColourChange, type WorkerState } from './messages.ts';

/** What a real group needs in order to run in the lab. */
export interface OpenGroupOptions {
  readonly host: Host;
  readonly self: GroupMember;
  readonly delivery: DeliveryLevel;
  /** Counts what a leader sends, so that a plan may let it crash in between. */
  readonly transport: Transport;
  /** Says what the plan says. */
  readonly detector: FailureDetector;
  readonly state: StateTransfer;
}

/** The part of a group that the lab uses. */
export type LabGroup = Pick<Group, 'view' | 'status' | 'join' | 'post' | 'on'>;

/** Makes a group member on a simulated host; it is joined by its caller. */
export type OpenGroup = (options: OpenGroupOptions) => LabGroup;

/** Makes a level of anything that keeps this part of the interface of `@grp/gms`. Its promises must settle in a run. */
export function groupLevel(open: OpenGroup): StartMember {
  return (environment) => new RealMember(open, environment);
}

class RealMember implements LevelMember {
  readonly #environment: MemberEnvironment;
  readonly #group: LabGroup;
  readonly #onSuspect = new Set<(member: NodeId) => void>();
  readonly #onTrust = new Set<(member: NodeId) => void>();
  #worker: WorkerState = freshWorker;

  constructor(open: OpenGroup, environment: MemberEnvironment) {
    const { host, founders, delivery, addressOf } = environment;
    const { name } = host;
    this.#environment = environment;
    const transport = this.#counting(host.transport(levelPort));
    this.#group = open({
      host,
      self: { id: name as NodeId, name, address: transport.self },
      delivery,
      transport,
      detector: this.#detector(),
      state: this.#state(),
    });
    this.#listen();
    const [first] = founders;
    if (name === first) this.#enter([]);
    else if (first !== undefined && founders.includes(name)) this.#enter([addressOf(first)]);
  }

  get isLeader(): boolean {
    return this.#group.view?.members[0]?.name === this.#environment.host.name;
  }

  get isMember(): boolean {
    return this.#group.status === 'joined' || this.#group.status === 'blocked';
  }

  multicast(message: ColourChange): void {
    this.#environment.tell({ type: 'send', message });
    this.#group.post(encode(message));
  }

  join(contact: string): void {
    this.#enter([this.#environment.addressOf(contact)]);
  }

  suspect(member: string): void {
    for (const listener of this.#onSuspect) listener(member as NodeId);
  }

  trust(member: string): void {
    for (const listener of this.#onTrust) listener(member as NodeId);
  }

  // Who cannot join is missed by the checker of liveness.
  #enter(seeds: readonly Address[]): void {
    this.#group.join(seeds).catch(() => {});
  }

  #listen(): void {
    const { tell } = this.#environment;
    const group = this.#group;
    group.on('view', ({ view }) => {
      const members = view.members.map(({ name }) => name);
      tell({ type: 'install', view: { id: view.id, members, leader: members[0] as string } });
    });
    group.on('excluded', () => tell({ type: 'exclude' }));
    group.on('message', ({ payload, sequence, view }) => {
      const message = decode(payload);
      this.#worker = changed(this.#worker, message);
      tell({ type: 'deliver', message, view, sequence, worker: this.#worker });
    });
  }

  // Also tells what leaves and what arrives, for diagrams.
  #counting(transport: Transport): Transport {
    const { host, packets, nameOf, nextSerial, tell } = this.#environment;
    return {
      self: transport.self,
      maxPayloadBytes: transport.maxPayloadBytes,
      delivery: transport.delivery,
      send: (to, payload) => {
        if (!this.#environment.isAlive()) return;
        const serial = nextSerial();
        packets.left(host.name, nameOf(to), payload, serial);
        tell({ type: 'transmit', to: nameOf(to), serial, ...describePacket(payload) });
        transport.send(to, payload);
        if (this.isLeader) this.#environment.sent();
      },
      onReceive: (listener) =>
        transport.onReceive((address, payload) => {
          const from = nameOf(address);
          const serial = packets.arrived(from, host.name, payload);
          if (serial !== undefined) tell({ type: 'receive', from, serial });
          listener(address, payload);
        }),
      close: () => transport.close(),
    };
  }

  #detector(): FailureDetector {
    const listen = (listeners: Set<(member: NodeId) => void>) => (listener: (member: NodeId) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
    return { onSuspect: listen(this.#onSuspect), onTrust: listen(this.#onTrust), hint: () => {} };
  }

  // One change is one message of the row, so the count is the sequence.
  #state(): StateTransfer {
    return {
      capture: () => [encodeState(this.#worker)],
      restore: async (chunks) => {
        const parts: string[] = [];
        for await (const chunk of chunks) parts.push(new TextDecoder().decode(chunk));
        const worker = decodeState(parts.join(''));
        this.#worker = worker;
        this.#environment.tell({ type: 'state', view: this.#group.view?.id ?? 0, sequence: worker.count, worker });
      },
    };
  }
}

function encode(message: ColourChange): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

function decode(payload: Uint8Array): ColourChange {
  return JSON.parse(new TextDecoder().decode(payload)) as ColourChange; // only this file sends
}

function encodeState({ colour, count, bySender }: WorkerState): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ colour, count, bySender: [...bySender] }));
}

function decodeState(text: string): WorkerState {
  const { colour, count, bySender } = JSON.parse(text) as Omit<WorkerState, 'bySender'> & {
    readonly bySender: readonly (readonly [string, number])[];
  };
  return { colour, count, bySender: new Map(bySender) };
}
