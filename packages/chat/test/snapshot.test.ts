import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChatMachine } from '../src/chat-machine.ts';
import { captureState, restoreState } from '../src/snapshot.ts';
import { ChatState } from '../src/state.ts';
import { requestId, Script, tokenOf } from './support.ts';

const names = ['ann', 'bob', 'eve'];

function copyOf(state: ChatState): ChatState {
  return restoreState([...captureState(state)]);
}

/** Everything that a state holds, as plain data. */
function facts(state: ChatState): unknown {
  return {
    head: [state.appliedIndex, state.nowMs, state.sizeBytes],
    accounts: [...state.accounts()],
    sessions: [...state.sessions()].map(({ tokenHash, account, expiresAtMs }) => [
      tokenHash,
      account.index,
      expiresAtMs,
    ]),
    rooms: [...state.rooms()].map(({ members, messages, ...room }) => ({
      ...room,
      members: [...members],
      messages: [...messages],
    })),
    requests: [...state.requests()],
  };
}

const change = fc.oneof(
  fc.record({
    case: fc.constant('send' as const),
    value: fc.record({
      tokenHash: fc.constantFrom(...names).map(tokenOf),
      room: fc.constantFrom('general', 'other', '@ann', '@bob'),
      text: fc.string({ minLength: 1, maxLength: 20 }),
    }),
  }),
  fc.record({
    case: fc.constantFrom('deleteMessage' as const, 'markRead' as const),
    value: fc.record({
      tokenHash: fc.constantFrom(...names).map(tokenOf),
      room: fc.constantFrom('general', '@bob'),
      sequence: fc.bigInt(1n, 5n),
    }),
  }),
  fc.record({
    case: fc.constantFrom('join' as const, 'leave' as const),
    value: fc.record({
      tokenHash: fc.constantFrom(...names).map(tokenOf),
      room: fc.constantFrom('general', 'other'),
    }),
  }),
  fc.record({
    case: fc.constantFrom('logout' as const, 'deleteAccount' as const),
    value: fc.record({
      tokenHash: fc.constantFrom('eve', 'nobody').map(tokenOf),
    }),
  }),
);

test('a state that was written and read goes on as the one it is a copy of', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.array(change, { maxLength: 20 }), (before, after) => {
      const script = new Script(new ChatState());
      for (const name of names) script.arrive(name);
      for (const step of before) script.do(step);
      const copy = copyOf(script.state);
      expect(facts(copy)).toEqual(facts(script.state));
      for (const step of after) {
        const outcome = script.do(step);
        expect(copy.apply(script.log.length, script.log.at(-1) as Uint8Array)).toEqual(outcome);
      }
      expect(facts(copy)).toEqual(facts(script.state));
    }),
    { numRuns: 200 },
  );
});

test('what happens while a snapshot is drawn is not in it', () => {
  const script = new Script(new ChatState());
  for (const name of names) script.arrive(name);
  for (let number = 0; number < 2_000; number++) script.send('ann', 'general', `number ${number} ${'x'.repeat(100)}`);
  const before = facts(copyOf(script.state));
  const chunks: Uint8Array[] = [];
  for (const chunk of captureState(script.state)) {
    chunks.push(chunk);
    const sequence = BigInt(2_000 - chunks.length);
    script.do({ case: 'deleteMessage', value: { tokenHash: tokenOf('ann'), room: 'general', sequence } });
    script.send('bob', 'general', 'meanwhile');
    script.do({ case: 'markRead', value: { tokenHash: tokenOf('bob'), room: 'general', sequence: 5n } });
    const room = { tokenHash: tokenOf('eve'), room: 'general' };
    script.do(chunks.length % 2 === 0 ? { case: 'join', value: room } : { case: 'leave', value: room });
    const { passwordIndex = 0 } = script.state.account('ann') ?? {};
    const password = { tokenHash: tokenOf('ann'), passwordIndex: BigInt(passwordIndex), passwordHash: 'another' };
    expect(script.do({ case: 'changePassword', value: password }).ok).toBe(true);
    if (chunks.length === 1) script.do({ case: 'deleteAccount', value: { tokenHash: tokenOf('bob') } });
  }
  expect(chunks.length).toBeGreaterThan(2);
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(70_000);
  expect(facts(restoreState(chunks))).toEqual(before);
});

test('a machine takes a snapshot cut anywhere, and is as before until its last piece', () => {
  const script = new Script(new ChatState());
  for (const name of names) script.arrive(name);
  for (let number = 0; number < 20; number++) script.send('ann', 'general', `number ${number}`);
  const [whole] = [...captureState(script.state)] as [Uint8Array];
  for (const size of [1, 5, 100, whole.length]) {
    const machine = new ChatMachine();
    let restoredCount = 0;
    machine.onRestored(() => restoredCount++);
    const empty = machine.view;
    for (let at = 0; at < whole.length; at += size) {
      expect(machine.view).toBe(empty);
      const isLast = at + size >= whole.length;
      machine.restore(whole.subarray(at, at + size), { isFirst: at === 0, isLast });
    }
    expect(machine.view.room('general')?.messages).toHaveLength(20);
    expect([...machine.snapshot()]).toEqual([whole]);
    expect(restoredCount).toBe(1);
  }
  const broken = new ChatMachine();
  const before = broken.view;
  expect(() => broken.restore(whole.subarray(0, 50), { isFirst: true, isLast: true })).toThrow(/not usable/);
  expect(broken.view).toBe(before);
});

test('an id is known across a snapshot', () => {
  const script = new Script(new ChatState());
  script.arrive('ann');
  const first = script.send('ann', 'general', 'once', requestId(77));
  const copy = copyOf(script.state);
  script.send('ann', 'general', 'once', requestId(77));
  expect(copy.apply(script.log.length, script.log.at(-1) as Uint8Array)).toEqual(first);
  expect(copy.room('general')?.messages).toHaveLength(1);
});

test('any cut or flipped snapshot is refused or read, never a crash', () => {
  const script = new Script(new ChatState());
  for (const name of names) script.arrive(name);
  for (let number = 0; number < 5; number++) script.send('ann', '@bob', `text ${number}`);
  const [whole] = [...captureState(script.state)] as [Uint8Array];
  for (let position = 0; position < whole.length; position++) {
    const flipped = whole.slice();
    flipped[position] = (flipped[position] as number) ^ 0x41;
    for (const bytes of [whole.subarray(0, position), flipped]) {
      let code = 'read';
      try {
        restoreState([bytes]);
      } catch (error) {
        code = (error as { readonly code: string }).code;
      }
      expect(['read', 'CHAT_SNAPSHOT_INVALID']).toContain(code);
    }
  }
});
