import { sanitizeText, type NodeId } from '@grp/core';
import { foldName } from '../names/names.ts';
import type { Succession } from '../succession.ts';
import { textLimits, type CommandBody, type GroupInfo, type Notice, type TrackerMember } from '../wire/messages.ts';
import type { JoinedGroup, TrackerEvent, TrackerView } from './api.ts';

type NoticeOf<Name extends Notice['on']> = Extract<Notice, { on: Name }>;

interface Held {
  info: GroupInfo;
  view: TrackerView;
  ticket: string | undefined;
  /** How it was joined, to join it again under a new session. */
  request: CommandBody<'join'>;
  /** Parts of a view that is being told. */
  parts:
    | { readonly number: number; readonly count: number; readonly members: TrackerMember[]; next: number }
    | undefined;
  /** Views agreed on without the tracker that it may not know yet. */
  successions: Succession[];
  /** False until the answer to the join. */
  isJoined: boolean;
}

const noView: TrackerView = { number: 0, members: [] };

/** What one notice comes to. `resync`: this view does not follow ours; the whole one is wanted. */
export type Told = TrackerEvent | 'resync' | undefined;

/** The groups that a client is in, as the tracker's notices tell them. Everything shown to people is made safe here. */
export class ClientGroups {
  readonly #held = new Map<string, Held>();

  list(): readonly JoinedGroup[] {
    return [...this.#held.values()].filter(({ isJoined }) => isJoined);
  }

  /** Quick for a folded name: whoever asks for each message has that. */
  get(name: string): JoinedGroup | undefined {
    const held = this.#held.get(name) ?? this.#held.get(foldName(name));
    return held?.isJoined === true ? held : undefined;
  }

  successions(name: string): readonly Succession[] {
    return this.#held.get(foldName(name))?.successions ?? [];
  }

  /** Joins to repeat under a new session: the numbers go on above those known. */
  requests(): readonly CommandBody<'join'>[] {
    return this.#entries().map(({ request, view, info }) => ({
      ...request,
      order: info.order,
      access: info.access === 'key' && request.key === undefined ? 'invite' : info.access,
      after: view.number,
    }));
  }

  /** A join has been asked for: from now on notices of this group mean something. */
  expect(request: CommandBody<'join'>): void {
    const folded = foldName(request.group);
    const known = this.#held.get(folded);
    if (known !== undefined) {
      known.request = request;
      return;
    }
    const info: GroupInfo = {
      ...{ group: request.group, order: 'fifo', access: 'open', moderated: false, secret: false },
      ...{ limit: 0, members: 0, topic: '' },
    };
    const nothing = { ticket: undefined, parts: undefined, successions: [], isJoined: false };
    this.#held.set(folded, { ...nothing, info, view: noView, request });
  }

  /** Joined, or asked for. */
  isExpected(name: string): boolean {
    return this.#held.has(foldName(name));
  }

  joined(name: string, info: GroupInfo): void {
    const held = this.#held.get(foldName(name));
    if (held === undefined) return;
    held.info = safeInfo(info);
    held.isJoined = true;
  }

  /** The join was refused. */
  giveUp(name: string): void {
    const folded = foldName(name);
    if (this.#held.get(folded)?.isJoined === false) this.#held.delete(folded);
  }

  forget(name: string): void {
    this.#held.delete(foldName(name));
  }

  /** The session is a new one: views of the old one say nothing about who may come next. */
  onNewSession(): void {
    for (const held of this.#held.values()) {
      held.ticket = undefined;
      held.parts = undefined;
      held.successions = [];
    }
  }

  take(notice: Exclude<Notice, NoticeOf<'greeting' | 'gap' | 'bye' | 'relay' | 'motd' | 'invite'>>): Told {
    const held = this.#held.get(foldName(notice.group));
    if (held === undefined) return undefined;
    const group = held.info.group;
    switch (notice.on) {
      case 'view':
        return changed(held, notice);
      case 'members':
        return this.#part(held, notice);
      case 'member': {
        const member = safeMember(notice.member);
        const members = held.view.members.map((old) => (old.id === member.id ? member : old));
        held.view = { ...held.view, members };
        return { type: 'member', group, member };
      }
      case 'ticket':
        held.ticket = notice.ticket;
        return { type: 'ticket', group, ticket: notice.ticket };
      case 'topic': {
        const text = safe(notice.text, textLimits.topic);
        held.info = { ...held.info, topic: text };
        return { type: 'topic', group, text, by: safe(notice.by, 64) };
      }
      case 'policy':
        held.info = safeInfo(notice.info);
        return { type: 'policy', group, info: held.info };
      case 'removed': {
        this.forget(group);
        const { reason, by, text } = notice;
        return { type: 'removed', group, reason, by: safe(by, 64), text: safe(text, textLimits.reason) };
      }
      default:
        return undefined;
    }
  }

  /** Takes a succession that was found valid. */
  succeed(succession: Succession): TrackerEvent | undefined {
    const held = this.#held.get(foldName(succession.group));
    if (held === undefined) return undefined;
    const earlier = held.successions;
    const left = succession.removed.map((id) => ({ id, nick: '', reason: 'agreed' as const }));
    const told = follow(held, { number: succession.number, joined: [], left });
    // The tracker takes one succession after the other: it needs all that came since its own last view.
    held.successions = [...earlier, succession];
    return told;
  }

  #entries(): readonly Held[] {
    return [...this.#held.values()].filter(({ isJoined }) => isJoined);
  }

  #part(held: Held, { number, part, parts, members }: NoticeOf<'members'>): Told {
    if (number <= held.view.number) return undefined; // an older view than the one agreed on, or the same once more
    if (part === 0) held.parts = { number, count: parts, members: [], next: 0 };
    const found = held.parts;
    if (found?.number !== number || found.next !== part || found.count !== parts) return undefined;
    found.members.push(...members.map((member) => safeMember(member)));
    found.next++;
    if (found.next < parts) return undefined;
    held.parts = undefined;
    const before = held.view;
    held.view = { number, members: found.members };
    held.successions = held.successions.filter((succession) => succession.number > number);
    const known = new Set(before.members.map(({ id }) => id));
    const now = new Set(held.view.members.map(({ id }) => id));
    return {
      ...{ type: 'view', group: held.info.group, view: held.view, isFresh: true },
      joined: held.view.members.filter(({ id }) => !known.has(id)).map((member) => ({ member, isBack: false })),
      left: before.members
        .filter(({ id }) => !now.has(id))
        .map((member) => ({ member, reason: 'lost' as const, text: '' })),
    };
  }
}

function changed(held: Held, notice: NoticeOf<'view'>): Told {
  if (notice.number <= held.view.number) return undefined;
  return notice.base === held.view.number ? follow(held, notice) : 'resync';
}

function follow(
  held: Held,
  { number, joined, left }: Pick<NoticeOf<'view'>, 'number' | 'joined' | 'left'>,
): TrackerEvent {
  const before = new Map<NodeId, TrackerMember>(held.view.members.map((member) => [member.id, member]));
  const gone = left.flatMap(({ id, reason, text = '' }) => {
    const member = before.get(id);
    before.delete(id);
    return member === undefined ? [] : [{ member, reason, text: safe(text, textLimits.reason) }];
  });
  const came = joined.map(({ member, back }) => ({ member: safeMember(member), isBack: back }));
  for (const { member } of came) before.set(member.id, member);
  held.view = { number, members: [...before.values()] };
  held.parts = undefined;
  // What the tracker itself numbered is above what members may number.
  held.successions = held.successions.filter((succession) => succession.number >= number);
  return { type: 'view', group: held.info.group, view: held.view, joined: came, left: gone, isFresh: false };
}

function safeMember(member: TrackerMember): TrackerMember {
  const { away, ...rest } = member;
  return { ...rest, nick: safe(member.nick, 64), ...(away !== undefined && { away: safe(away, textLimits.away) }) };
}

/** Everything in it that people read, made safe to print. */
export function safeInfo(info: GroupInfo): GroupInfo {
  return { ...info, group: safe(info.group, 64), topic: safe(info.topic, textLimits.topic) };
}

function safe(text: string, lengthMax: number): string {
  return sanitizeText(text, { lengthMax });
}
