import { describe, expect, test } from 'vitest';
import { matchesPattern, parseRoom } from '../src/names.ts';
import { ChatState } from '../src/state.ts';
import { requestId, Script, tokenOf } from './support.ts';

function script(...names: readonly string[]): Script {
  const made = new Script(new ChatState());
  for (const name of names) made.arrive(name);
  return made;
}

describe('accounts', () => {
  test('a name is taken once, however it is written', () => {
    const chat = script('Ann');
    expect(chat.do({ case: 'register', value: { name: 'ann', passwordHash: 'x' } })).toEqual({
      ok: false,
      error: 'name-taken',
    });
    expect(chat.do({ case: 'register', value: { name: 'a b', passwordHash: 'x' } })).toEqual({
      ok: false,
      error: 'name-invalid',
    });
  });

  test('a retry of a registration answers as the first did, and another request does not', () => {
    const chat = script();
    const register = { case: 'register', value: { name: 'ann', passwordHash: 'x' } } as const;
    const first = chat.do(register, requestId(7));
    expect(first.ok).toBe(true);
    expect(chat.do(register, requestId(7))).toEqual(first);
    expect(chat.do(register, requestId(8))).toMatchObject({ ok: false });
  });

  test('a login is refused when the password has changed since it was checked', () => {
    const chat = script('ann');
    const before = chat.state.account('ann');
    const stale = {
      name: 'ann',
      tokenHash: tokenOf('t'),
      expiresAtMs: 9_999_999n,
      accountIndex: BigInt(before?.index ?? 0),
    };
    const passwordIndex = BigInt(before?.passwordIndex ?? 0);
    expect(
      chat.do({ case: 'changePassword', value: { tokenHash: tokenOf('ann'), passwordHash: 'new', passwordIndex } }).ok,
    ).toBe(true);
    expect(chat.do({ case: 'login', value: { ...stale, passwordIndex } })).toEqual({
      ok: false,
      error: 'password-changed',
    });
  });

  test('a new password ends all other sessions, logging out ends one', () => {
    const chat = script('ann');
    const account = chat.state.account('ann');
    const index = BigInt(account?.index ?? 0);
    const other = {
      name: 'ann',
      tokenHash: tokenOf('phone'),
      expiresAtMs: 1_000_000n,
      accountIndex: index,
      passwordIndex: index,
    };
    chat.do({ case: 'login', value: other });
    chat.do({
      case: 'changePassword',
      value: { tokenHash: tokenOf('ann'), passwordHash: 'new', passwordIndex: index },
    });
    expect([...chat.state.sessions()]).toHaveLength(1);
    chat.do({ case: 'logout', value: { tokenHash: tokenOf('ann') } });
    expect(chat.send('ann', 'general', 'hi')).toEqual({ ok: false, error: 'not-logged-in' });
  });

  test('a session ends at its time, by the time of the log', () => {
    const chat = script('ann');
    const account = chat.state.account('ann');
    const index = BigInt(account?.index ?? 0);
    const brief = {
      name: 'ann',
      tokenHash: tokenOf('brief'),
      expiresAtMs: 1_004n,
      accountIndex: index,
      passwordIndex: index,
    };
    chat.do({ case: 'login', value: brief });
    expect(chat.send('brief', 'general', 'in time').ok).toBe(true);
    expect(chat.send('brief', 'general', 'late')).toEqual({ ok: false, error: 'not-logged-in' });
  });

  test('one more session than allowed ends the oldest', () => {
    const chat = new Script(new ChatState({ sessionsPerAccountMax: 2 }));
    chat.arrive('ann');
    const index = BigInt(chat.state.account('ann')?.index ?? 0);
    for (const device of ['b', 'c']) {
      const login = {
        name: 'ann',
        tokenHash: tokenOf(device),
        expiresAtMs: 1_000_000n,
        accountIndex: index,
        passwordIndex: index,
      };
      chat.do({ case: 'login', value: login });
    }
    expect(chat.send('ann', 'general', 'x')).toMatchObject({ ok: false });
    expect(chat.send('c', 'general', 'x')).toMatchObject({ ok: true });
  });

  test('whoever takes a deleted name gets nothing of its former owner', () => {
    const chat = script('ann', 'bob');
    chat.send('ann', '@bob', 'a secret');
    chat.send('bob', 'general', 'old words');
    chat.do({ case: 'deleteAccount', value: { tokenHash: tokenOf('bob') } });
    chat.arrive('bob');
    const bob = chat.state.account('bob');
    const ann = chat.state.account('ann');
    if (bob === undefined || ann === undefined) throw new Error('both are there');
    const direct = chat.state.resolveRoom(bob, '@ann');
    expect(chat.state.room('name' in direct ? direct.name : '')).toBeUndefined();
    expect(
      chat.do({ case: 'deleteMessage', value: { tokenHash: tokenOf('bob'), room: 'general', sequence: 1n } }),
    ).toEqual({
      ok: false,
      error: 'message-not-yours',
    });
  });
});

describe('messages', () => {
  test('are numbered per room, from 1', () => {
    const chat = script('ann', 'bob');
    expect(chat.send('ann', 'general', 'one')).toMatchObject({ ok: true, sequence: 1, room: 'general' });
    expect(chat.send('bob', 'other', 'x')).toMatchObject({ ok: true, sequence: 1 });
    expect(chat.send('bob', '#general', 'two')).toMatchObject({ ok: true, sequence: 2 });
    expect(chat.texts('general')).toEqual(['one', 'two']);
  });

  test('an id is applied once, and answers the same for ever', () => {
    const chat = script('ann');
    const first = chat.send('ann', 'general', 'once', requestId(900));
    for (let other = 0; other < 50; other++) chat.send('ann', 'general', `later ${other}`);
    expect(chat.send('ann', 'general', 'once', requestId(900))).toEqual(first);
    expect(chat.texts('general').filter((text) => text === 'once')).toHaveLength(1);
  });

  test('the id of somebody else says nothing', () => {
    const chat = script('ann', 'bob', 'eve');
    chat.send('ann', '@bob', 'a secret', requestId(901));
    expect(chat.send('eve', 'general', 'fishing', requestId(901))).toEqual({ ok: false, error: 'malformed' });
  });

  test('both sides of a conversation are in the same room, and nobody else is', () => {
    const chat = script('ann', 'bob', 'eve');
    const [there, back] = [chat.send('ann', '@bob', 'hi'), chat.send('bob', '@ann', 'hello')];
    expect(there).toMatchObject({ ok: true, sequence: 1 });
    expect(back).toMatchObject({ ok: true, sequence: 2, room: there.ok ? there.room : '' });
    expect(chat.send('ann', '@nobody', 'hi')).toEqual({ ok: false, error: 'user-unknown' });
  });

  test.each([
    ['', 'text-empty'],
    ['x'.repeat(4_097), 'text-too-long'],
    ['é'.repeat(2_049), 'text-too-long'],
  ])('a text of the wrong size is refused', (text, error) => {
    expect(script('ann').send('ann', 'general', text)).toEqual({ ok: false, error });
  });

  test('are deleted by their sender, and their place stays', () => {
    const chat = script('ann', 'bob');
    chat.send('ann', 'general', 'oops');
    const remove = (name: string) =>
      chat.do({ case: 'deleteMessage', value: { tokenHash: tokenOf(name), room: 'general', sequence: 1n } });
    expect(remove('bob')).toEqual({ ok: false, error: 'message-not-yours' });
    expect(remove('ann').ok).toBe(true);
    expect(chat.state.room('general')?.messages.at(1)).toMatchObject({ text: '', deleted: true, sequence: 1 });
    expect(chat.send('ann', 'general', 'next')).toMatchObject({ sequence: 2 });
  });

  test('unread is what came after the cursor; what one says oneself is read', () => {
    const chat = script('ann', 'bob');
    chat.do({ case: 'join', value: { tokenHash: tokenOf('bob'), room: 'general' } });
    const bob = chat.state.account('bob')?.index ?? 0;
    const read = () => chat.state.room('general')?.members.get(bob);
    chat.send('ann', 'general', '1');
    expect(read()).toBe(0);
    chat.send('bob', 'general', '2');
    expect(read()).toBe(0); // has not seen the first
    chat.do({ case: 'markRead', value: { tokenHash: tokenOf('bob'), room: 'general', sequence: 99n } });
    expect(read()).toBe(2);
    chat.send('bob', 'general', '3');
    expect(read()).toBe(3);
  });
});

describe('limits and nonsense', () => {
  test('a full state takes nothing more, and says so', () => {
    const chat = new Script(new ChatState({ stateBytesMax: 2_000 }));
    chat.arrive('ann');
    const outcomes = Array.from({ length: 20 }, () => chat.send('ann', 'general', 'x'.repeat(100)));
    expect(outcomes[0]).toMatchObject({ ok: true });
    expect(outcomes.at(-1)).toEqual({ ok: false, error: 'full' });
    expect(chat.state.sizeBytes).toBeLessThanOrEqual(2_000);
  });

  test('rooms and accounts are counted', () => {
    const chat = new Script(new ChatState({ roomsMax: 1, accountsMax: 1 }));
    chat.arrive('ann');
    expect(chat.send('ann', 'one', 'x')).toMatchObject({ ok: true });
    expect(chat.send('ann', 'two', 'x')).toEqual({ ok: false, error: 'full' });
    expect(chat.do({ case: 'register', value: { name: 'bob', passwordHash: 'x' } })).toEqual({
      ok: false,
      error: 'full',
    });
  });

  test('bytes that are no command are an outcome, and time never runs backwards', () => {
    const chat = script('ann');
    expect(chat.state.apply(9, Uint8Array.of(255, 255, 1))).toEqual({ ok: false, error: 'malformed' });
    expect(chat.state.apply(10, new Uint8Array(0))).toEqual({ ok: false, error: 'malformed' });
    expect(chat.state.appliedIndex).toBe(10);
    expect(chat.state.nowMs).toBe(1_001);
  });

  test.each([
    ['general', { type: 'room', name: 'general' }],
    ['#general', { type: 'room', name: 'general' }],
    ['@Bob', { type: 'direct', with: 'Bob' }],
    ['General', undefined],
    ['@', undefined],
    ['a/b', undefined],
    ['', undefined],
    ['@1:2', undefined],
  ])('room %s', (text, expected) => expect(parseRoom(text)).toEqual(expected));

  test.each([
    ['', '', true],
    ['*', 'ann', true],
    ['a*', 'Ann', true],
    ['*n?', 'ann', true],
    ['a?', 'ann', false],
    [`${'*a'.repeat(200)}b`, 'a'.repeat(400), false],
  ])('pattern %s', (pattern, name, expected) => expect(matchesPattern(pattern, name)).toBe(expected));
});
