import { setTimeout as sleep } from 'node:timers/promises';
import { GrpError, type NodeId } from '@grp/core';
import type { Messenger, StopOptions } from '@grp/messenger';
import { cliError } from '../errors.ts';
import { outputOf } from './notices.ts';
import type { Output, Screen } from './output.ts';
import { commandTable, parseLine, type CommandName } from './parse-line.ts';

const roles = ['owner', 'moderator', 'voice', 'member'] as const;
/** Until there may be room for a message again. */
const busyMs = 2;
const membersPagesMax = 10;

export interface ConversationOptions {
  readonly messenger: Messenger;
  readonly screen: Screen;
  readonly order: 'fifo' | 'total';
  /** Joined at first, with the first one to write to. */
  readonly groups: readonly string[];
  readonly key?: string | undefined;
}

/** What somebody types, and what comes of it. */
export class Conversation {
  readonly #options: ConversationOptions;
  #current: string | undefined;
  #quit: { readonly reason: string } | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    options.messenger.on((event) => {
      const output = outputOf(event);
      if (event.type === 'removed' && event.group === this.#current) this.#leaveCurrent();
      if (output !== undefined) this.#show(output);
      options.screen.refresh?.();
    });
  }

  /** The group that lines go to. */
  get current(): string | undefined {
    return this.#current;
  }

  /** Set once somebody wants to end. */
  get quit(): StopOptions | undefined {
    return this.#quit;
  }

  /** @throws GrpError TRACKER_*, MESSENGER_* */
  async begin(): Promise<void> {
    const { groups } = this.#options;
    for (const group of groups) await this.#join(group, this.#options.key);
    if (groups[0] !== undefined) this.#write(groups[0]);
  }

  /** Carries out one line. Never rejects: what went wrong is shown. */
  async line(text: string): Promise<void> {
    try {
      await this.#line(text);
    } catch (cause) {
      if (!(cause instanceof GrpError)) throw cause;
      this.#show({ type: 'error', error: cause.toJSON() });
    }
    this.#options.screen.refresh?.();
  }

  async #line(line: string): Promise<void> {
    const typed = parseLine(line);
    if (typed.type === 'nothing') return;
    if (typed.type === 'unknown') {
      const what = `There is no command !${typed.word.slice(0, 40)}.`;
      throw cliError('CLI_USAGE', {
        context: { what },
        hint: typed.nearest === undefined ? 'See them with !h.' : `Did you mean !${commandTable[typed.nearest].short}?`,
      });
    }
    if (typed.type === 'text') await this.#say(typed.text);
    else await this.#command(typed.name, typed.words);
  }

  /** A full outbox slows the writer down, and loses nothing. */
  async #say(text: string): Promise<void> {
    for (;;) {
      try {
        this.#options.messenger.send(this.#group(undefined), text);
        return;
      } catch (cause) {
        if (!(cause instanceof GrpError) || cause.code !== 'MESSENGER_BUSY') throw cause;
        await sleep(busyMs);
      }
    }
  }

  async #command(name: CommandName, words: readonly string[]): Promise<void> {
    const { messenger } = this.#options;
    const [first, ...others] = words;
    switch (name) {
      case 'help':
        return this.#show({
          type: 'help',
          commands: Object.values(commandTable).map(({ short, takes, does }) => ({
            command: `!${short}`,
            takes,
            does,
          })),
        });
      case 'groups':
        return this.#showGroups();
      case 'members':
        return this.#showMembers(this.#group(first));
      case 'join':
        await this.#join(need(first, 'join'), others[0]);
        return this.#write(need(first, 'join'));
      case 'write':
        return this.#write(messenger.group(need(first, 'write')).state.group);
      case 'exit':
        return this.#exit(this.#group(first), others.join(' '));
      case 'quit':
        this.#quit = { reason: words.join(' ') };
        return;
      case 'statistics':
        return this.#show({ type: 'metrics', ...messenger.metrics() });
      case 'ignore':
        return this.#ignore(first);
      case 'away':
        await messenger.tracker.request('away', words.length === 0 ? {} : { text: words.join(' ') });
        return this.#note('away', words.length === 0 ? 'you are back' : 'you are away');
      case 'peers':
      case 'order':
      case 'log':
        return this.#look(name, first);
      default:
        return this.#govern(name, words);
    }
  }

  /** What a group's moderators do, and everybody where nobody moderates. */
  async #govern(name: 'topic' | 'invite' | 'kick' | 'ban' | 'role', words: readonly string[]): Promise<void> {
    const { tracker } = this.#options.messenger;
    const group = this.#group(undefined);
    const [nick, ...others] = words;
    const reason = others.join(' ');
    if (name === 'topic') {
      const { topic } = await tracker.request(
        'topic',
        words.length === 0 ? { group } : { group, text: words.join(' ') },
      );
      if (words.length === 0) this.#note('topic', topic === '' ? 'there is no topic' : `the topic: ${topic}`, group);
      return;
    }
    const who = need(nick, name);
    if (name === 'role') {
      const role = roles.find((one) => one === others[0]) ?? missing(name);
      await tracker.request('role', { group, nick: who, role });
      return this.#note('role', `${who} is ${role} now`, group);
    }
    if (name === 'invite') {
      const { isHere } = await tracker.request('invite', { group, nick: who });
      return this.#note('invited', isHere ? `${who} has been told` : `${who} may join when it comes`, group);
    }
    await tracker.request(name, { group, nick: who, ...(reason !== '' && { reason }) });
  }

  #look(name: 'peers' | 'order' | 'log', word: string | undefined): void {
    const { messenger } = this.#options;
    if (name === 'log') {
      const view = messenger.group(this.#group(undefined));
      const count = Math.max(1, Number.parseInt(word ?? '20', 10) || 20);
      return this.#show({ type: 'log', group: view.state.group, messages: view.history.slice(-count) });
    }
    const { state, peers, ordering } = messenger.group(this.#group(word));
    const { group } = state;
    if (name === 'peers') return this.#show({ type: 'peers', group, state, peers });
    const nicks = Object.fromEntries(peers.map(({ id, nick }) => [id, nick]));
    return this.#show({ type: 'order', group, ordering, nicks });
  }

  async #showGroups(): Promise<void> {
    const { messenger } = this.#options;
    if (this.#current !== undefined) this.#markRead(this.#current);
    const own = new Map(messenger.groups().map((state) => [state.group, state]));
    const listed = [];
    let after: string | undefined;
    do {
      const page = await messenger.tracker.request('groups', after === undefined ? {} : { after });
      for (const info of page.groups)
        listed.push({ ...info, isJoined: own.has(info.group), unread: own.get(info.group)?.unread ?? 0 });
      after = page.next;
    } while (after !== undefined);
    this.#show({ type: 'groups', groups: listed });
  }

  async #showMembers(group: string): Promise<void> {
    const members = [];
    let after: NodeId | undefined;
    for (let page = 0; page < membersPagesMax; page++) {
      const { tracker } = this.#options.messenger;
      const answer = await tracker.request('members', { group, ...(after !== undefined && { after }) });
      members.push(...answer.members);
      after = answer.next;
      if (after === undefined) break;
    }
    this.#show({ type: 'members', group, members });
  }

  async #join(group: string, key: string | undefined): Promise<void> {
    const { messenger, order: wanted } = this.#options;
    const { order, topic, group: name } = await messenger.join(group, { order: wanted, key });
    const other = order === wanted ? '' : `, not ${wanted}: the group has its order already`;
    this.#note('you-joined', `you are in; order ${order}${other}${topic === '' ? '' : `; the topic: ${topic}`}`, name);
  }

  #write(group: string): void {
    if (this.#current !== undefined) this.#markRead(this.#current); // it was read while it was shown
    this.#current = this.#options.messenger.group(group).state.group;
    this.#markRead(this.#current);
  }

  async #exit(group: string, reason: string): Promise<void> {
    const { messenger } = this.#options;
    const name = messenger.group(group).state.group;
    await messenger.leave(name, reason === '' ? undefined : reason);
    this.#note('you-left', 'you have left', name);
    if (name === this.#current) this.#leaveCurrent();
  }

  #ignore(nick: string | undefined): void {
    const { messenger } = this.#options;
    const ignored = this.#ignored;
    if (nick === undefined) {
      this.#note('ignored', ignored.size === 0 ? 'you ignore nobody' : `you ignore ${[...ignored].join(', ')}`);
      return;
    }
    const isIgnored = !ignored.has(nick);
    if (isIgnored) ignored.add(nick);
    else ignored.delete(nick);
    messenger.ignore(nick, isIgnored);
    this.#note('ignored', isIgnored ? `you do not see ${nick} any more` : `you see ${nick} again`);
  }

  readonly #ignored = new Set<string>();

  #leaveCurrent(): void {
    this.#current = this.#options.messenger.groups().find(({ group }) => group !== this.#current)?.group;
  }

  /** @throws GrpError CLI_USAGE */
  #group(word: string | undefined): string {
    const group = word ?? this.#current;
    if (group === undefined)
      throw cliError('CLI_USAGE', {
        context: { what: 'You are in no group.' },
        hint: 'Join one: !j NAME. See all: !g.',
      });
    return group;
  }

  #markRead(group: string): void {
    if (this.#options.messenger.groups().some((state) => state.group === group))
      this.#options.messenger.group(group).markRead();
  }

  #note(code: string, text: string, group?: string): void {
    this.#show({ type: 'notice', code, text, ...(group !== undefined && { group }) });
  }

  #show(output: Output): void {
    this.#options.screen.show(output);
  }
}

/** @throws GrpError CLI_USAGE */
function need(word: string | undefined, name: CommandName): string {
  return word ?? missing(name);
}

function missing(name: CommandName): never {
  const { short, takes } = commandTable[name];
  throw cliError('CLI_USAGE', { context: { what: 'Something is missing.' }, hint: `Write: !${short} ${takes}` });
}
