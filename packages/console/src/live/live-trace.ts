import type { SpaceTimeEvent } from '@grp/lab';
import { colour, number, record, records, text, type Json } from '../read.ts';
import { nameOf } from '../words.ts';
import type { ClusterModel } from './model.ts';

type Mark = SpaceTimeEvent & { readonly type: 'mark' };

/** What bands can show: the views of the group, or the terms of one log. */
export interface Track {
  readonly id: string;
  readonly label: string;
}

interface Noted {
  readonly mark: Mark;
  /** Of a view or a term: whose. */
  readonly track?: string;
  /** Of a delivery. */
  readonly sequence?: number;
  /** Of a change of role: what is told of it where another track has the bands. */
  readonly aside?: string;
}

const groupTrack = 'gms';
// Deliveries that are further apart than this do not belong to one sending.
const sendingMsMax = 10_000;

/**
 * What the nodes of a cluster tell, as the events of a space-time diagram. Nodes tell what they deliver, whom they follow
 * and whom they suspect, and not each message: a delivery is drawn from the leader, which gave the message its place. Each
 * node's own clock counts.
 */
export class LiveTrace {
  readonly #windowMs: number;
  readonly #notedMax: number;
  #noted: Noted[] = [];
  readonly #tracks = new Map<string, string>();
  /** Lanes with a life that has not ended. */
  readonly #living = new Set<string>();
  readonly #stopping = new Set<string>();
  readonly #streams = new Set<string>();
  #lanes: readonly string[] = [];
  /** Wall-clock ms at which time is 0. */
  readonly origin: number;

  constructor(origin: number, { windowMs = 300_000, notedMax = 8_000 } = {}) {
    this.origin = origin;
    this.#windowMs = windowMs;
    this.#notedMax = notedMax;
  }

  get lanes(): readonly string[] {
    return this.#lanes;
  }

  /** The views first, where there is a group. */
  get tracks(): readonly Track[] {
    const tracks = [...this.#tracks].map(([id, label]) => ({ id, label }));
    return tracks.toSorted((a, b) => Number(b.id === groupTrack) - Number(a.id === groupTrack));
  }

  /** What nodes answer when they are asked: who is there, and what had begun before anybody listened. */
  look({ rows }: Pick<ClusterModel, 'rows'>, now: number): void {
    const at = now - this.origin;
    this.#lanes = rows.map(({ name }) => name);
    for (const { name, state, reach, group, raft } of rows) {
      if (state === 'down' || state === 'left' || reach !== 'ok' || this.#living.has(name)) continue;
      this.#begin(name, now);
      if (group?.view !== undefined)
        this.#view(name, at, { id: group.view, members: leaderFirst(group), group: group.group });
      for (const server of raft) this.#role(name, at, { ...server, isNews: false });
    }
  }

  /** One event of `/v1/cluster/events`. */
  take(told: Json, now: number): void {
    const node = text(told['node']);
    if (node === '' || text(told['noun']) !== 'cluster') return;
    if (told['type'] === 'stream') this.#stream(node, text(told['state']), now);
    else this.#event(node, record(told['event']), now);
  }

  /** What happened, with one track as bands; in order of time. */
  events(track: string): readonly SpaceTimeEvent[] {
    const shown = this.#noted.flatMap(({ mark, track: own, aside }): readonly Mark[] => {
      if (own === undefined || own === track) return [mark];
      return aside === undefined ? [] : [{ at: mark.at, type: 'mark', lane: mark.lane, mark: 'trouble', label: aside }];
    });
    return [...shown, ...this.#sendings()].toSorted((a, b) => a.at - b.at);
  }

  #event(node: string, event: Json, now: number): void {
    const at = this.#timeOf(event, now);
    const type = text(event['type']);
    switch (text(event['noun'])) {
      case 'gms':
        this.#group(node, at, type, event);
        break;
      case 'raft':
        if (type !== 'role') break;
        this.#role(node, at, {
          ...{ group: text(event['group'], 'raft'), role: text(event['role'], '?') },
          ...{ term: number(event['term']), isNews: true },
        });
        break;
      case 'swim':
        this.#member(node, at, type, text(record(event['member'])['name']));
        break;
      case 'node':
        if (type !== 'stopping') break;
        this.#stopping.add(node);
        this.#mark(node, at, 'trouble', 'stops');
        break;
      default:
        break;
    }
  }

  #group(node: string, at: number, type: string, event: Json): void {
    if (type === 'message') {
      const sequence = number(event['sequence']);
      const shown = colour(event['colour']);
      const label = `${nameOf(text(event['sender'], '?'))} #${sequence}`;
      const worker = shown === undefined ? {} : { worker: { colour: shown, count: sequence } };
      this.#note({ sequence, mark: { type: 'mark', at, lane: node, mark: 'deliver', label, ...worker } });
    } else if (type === 'view') {
      const view = record(event['view']);
      const members = records(view['members']).map((member) => text(member['name'], '?'));
      this.#view(node, at, { id: number(view['id']), members, group: undefined });
    } else if (type === 'blocked' || type === 'unblocked' || type === 'excluded') this.#mark(node, at, 'trouble', type);
  }

  #view(
    node: string,
    at: number,
    {
      id,
      members,
      group,
    }: { readonly id: number; readonly members: readonly string[]; readonly group: string | undefined },
  ): void {
    if (group !== undefined || !this.#tracks.has(groupTrack))
      this.#tracks.set(groupTrack, `views of ${group ?? 'the group'}`);
    const mark: Mark = { type: 'mark', at, lane: node, mark: 'view', label: `view ${id}`, view: { id, members } };
    this.#note({ track: groupTrack, mark });
  }

  #role(
    node: string,
    at: number,
    {
      group,
      role,
      term,
      isNews,
    }: { readonly group: string; readonly role: string; readonly term: number; readonly isNews: boolean },
  ): void {
    const track = `raft ${group}`;
    this.#tracks.set(track, `terms of ${group}`);
    const mark: Mark = { type: 'mark', at, lane: node, mark: 'view', label: `${role} t${term}` };
    const leads = isNews && role === 'leader' ? { aside: `leads ${group} t${term}` } : {};
    this.#note({ track, mark, ...leads });
  }

  #member(node: string, at: number, type: string, member: string): void {
    if (member === '' || !['suspect', 'down', 'join', 'leave'].includes(type)) return;
    this.#mark(node, at, 'suspect', `${member} ${type === 'join' ? 'joined' : type === 'leave' ? 'left' : type}`);
    // Nobody listens to it, so that others have to say when it ends.
    if ((type === 'down' || type === 'leave') && !this.#streams.has(member)) this.#end(member, at);
  }

  #stream(node: string, state: string, now: number): void {
    const at = now - this.origin;
    if (state === 'lost') this.#end(node, at);
    if (state !== 'open') return;
    const wasThere = this.#streams.has(node);
    this.#streams.add(node);
    if (!wasThere || this.#living.has(node)) return;
    this.#begin(node, now);
    this.#mark(node, at, 'trouble', 'is back');
  }

  // A mark without words: from here on there is a lane.
  #begin(node: string, now: number): void {
    this.#living.add(node);
    this.#stopping.delete(node);
    this.#mark(node, now - this.origin, 'view', 'in sight');
  }

  #end(node: string, at: number): void {
    if (!this.#living.delete(node)) return;
    this.#mark(node, at, 'crash', this.#stopping.has(node) ? 'stopped' : 'gone');
  }

  #mark(lane: string, at: number, mark: Mark['mark'], label: string): void {
    this.#note({ mark: { type: 'mark', at, lane, mark, label } });
  }

  #note(noted: Noted): void {
    this.#noted.push(noted);
    const { at } = noted.mark;
    if (this.#noted.length > this.#notedMax * 1.1 || (this.#noted[0]?.mark.at ?? at) < at - this.#windowMs * 1.1)
      this.#prune(at - this.#windowMs);
  }

  /** Forgets what is too old or too much, but not what is still in force: lives, views and terms. */
  #prune(before: number): void {
    const cut = Math.max(
      this.#noted.findIndex(({ mark }) => mark.at >= before),
      this.#noted.length - this.#notedMax,
    );
    const inForce = new Map<string, Noted>();
    for (const noted of this.#noted.slice(0, cut)) {
      const { lane, mark } = noted.mark;
      if (mark === 'view') inForce.set(`${lane} ${noted.track ?? ''}`, noted);
      if (mark !== 'crash') continue;
      for (const key of [...inForce.keys()]) if (key.startsWith(`${lane} `)) inForce.delete(key);
    }
    this.#noted = [...inForce.values(), ...this.#noted.slice(cut)];
  }

  /** A delivery by the leader sends it to all others; whoever has it earlier by its clock had it from nobody that is known. */
  #sendings(): readonly SpaceTimeEvent[] {
    const ordered = this.#noted.toSorted((a, b) => a.mark.at - b.mark.at);
    const sources = this.#sources(ordered);
    const sendings: SpaceTimeEvent[] = [];
    let serial = 0;
    for (const { mark, sequence } of ordered) {
      const { lane, at, label } = mark;
      const source = sequence === undefined ? undefined : sources.get(sequence);
      if (source === undefined || source.lane === lane || at < source.at || at - source.at > sendingMsMax) continue;
      const common = { serial: ++serial, kind: 'message', label };
      sendings.push({ type: 'departure', at: source.at, lane: source.lane, to: lane, ...common });
      sendings.push({ type: 'arrival', at, lane, from: source.lane, serial });
    }
    return sendings;
  }

  /** Sequence → when and by whom it was delivered that led then. */
  #sources(ordered: readonly Noted[]): ReadonlyMap<number, Pick<Mark, 'at' | 'lane'>> {
    const leads = new Set<string>();
    const sources = new Map<number, Pick<Mark, 'at' | 'lane'>>();
    for (const { mark, sequence } of ordered) {
      const { lane, at, view } = mark;
      if (view !== undefined && view.members[0] === lane) leads.add(lane);
      else if (view !== undefined) leads.delete(lane);
      if (sequence !== undefined && leads.has(lane)) sources.set(sequence, { at, lane });
    }
    return sources;
  }

  // A clock that is far away, or a text that is no time: then it happened when it was heard of.
  #timeOf(event: Json, now: number): number {
    const at = Date.parse(text(event['at']));
    return (Number.isFinite(at) && Math.abs(at - now) < this.#windowMs ? at : now) - this.origin;
  }
}

function leaderFirst({
  leader,
  members,
}: {
  readonly leader: string | undefined;
  readonly members: readonly string[];
}) {
  return leader === undefined ? members : [leader, ...members.filter((name) => name !== leader)];
}
