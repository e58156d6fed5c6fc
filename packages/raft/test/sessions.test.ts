import { expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../src/bytes.ts';
import { SessionTable, sessionLimits, sessionRules, type SessionRules, type Verdict } from '../src/sessions.ts';
import { SessionedStateMachine, type Command, type Entry, type StateMachine } from '../src/index.ts';

function command(session: number, sequence: number, acknowledged = 1, text = `${session}.${sequence}`): Command {
  return { type: 'command', session, sequence, acknowledged, command: new TextEncoder().encode(text) };
}

class Journal implements StateMachine {
  lines: string[] = [];
  apply(bytes: Uint8Array): Uint8Array {
    this.lines.push(new TextDecoder().decode(bytes));
    return new Uint8Array([this.lines.length]);
  }
  snapshot(): Uint8Array {
    return new TextEncoder().encode(this.lines.join('\n'));
  }
  restore(bytes: Uint8Array): void {
    this.lines = new TextDecoder().decode(bytes).split('\n');
  }
}

function piecesOf(machine: SessionedStateMachine): Uint8Array[] {
  return [...(machine.snapshot() as Iterable<Uint8Array>)];
}

function run(machine: SessionedStateMachine, ...payloads: Entry['payload'][]) {
  return payloads.map((payload, index) => machine.apply({ index: index + 1, term: 1, payload }));
}

test('a command that is proposed three times is carried out once, and answered alike', () => {
  const journal = new Journal();
  const outcomes = run(
    new SessionedStateMachine(journal),
    { type: 'register' },
    command(1, 1),
    command(1, 1),
    command(1, 1),
  );
  expect(journal.lines).toEqual(['1.1']);
  expect(outcomes.slice(1).map((outcome) => outcome.type === 'done' && outcome.answer[0])).toEqual([1, 1, 1]);
});

test('commands that overtook each other are all carried out: nobody is locked out', () => {
  const journal = new Journal();
  run(
    new SessionedStateMachine(journal),
    { type: 'register' },
    command(1, 3),
    command(1, 1),
    command(1, 2),
    command(1, 1),
  );
  expect(journal.lines).toEqual(['1.3', '1.1', '1.2']);
});

test('a client that comes back after a crash has a session of its own, whatever it numbers its commands', () => {
  const journal = new Journal();
  run(new SessionedStateMachine(journal), { type: 'register' }, command(1, 1), { type: 'register' }, command(3, 1));
  expect(journal.lines).toEqual(['1.1', '3.1']);
});

test('the same in a snapshot: a command from before is not carried out after', () => {
  const before = new SessionedStateMachine(new Journal());
  run(before, { type: 'register' }, command(1, 1), command(1, 2));
  const journal = new Journal();
  const after = new SessionedStateMachine(journal);
  after.restore(piecesOf(before));
  run(after, command(1, 2), command(1, 3));
  expect(journal.lines).toEqual(['1.1', '1.2', '1.3']);
  expect(piecesOf(after)).not.toEqual(piecesOf(before));
});

test('what is refused: no session, acknowledged, too far ahead', () => {
  const table = new SessionTable();
  table.register(5);
  const refused = (verdict: Verdict): string => (verdict.type === 'refuse' ? verdict.reason : verdict.type);
  expect(refused(table.judge(command(4, 1)))).toBe('session-expired');
  expect(refused(table.judge(command(5, sessionLimits.windowMax)))).toBe('apply');
  expect(refused(table.judge(command(5, sessionLimits.windowMax + 1)))).toBe('window-exceeded');
  expect(refused(table.judge(command(5, 9, 9)))).toBe('apply');
  expect(refused(table.judge(command(5, 8, 9)))).toBe('acknowledged');
});

test('limits: the session used longest ago is closed, by count and by bytes of answers', () => {
  const table = new SessionTable(sessionRules, { sessionsMax: 2, answerBytesMax: 10 });
  for (const index of [1, 2]) table.register(index);
  table.judge(command(1, 1)); // used
  table.register(3);
  expect(table.judge(command(2, 1)).type).toBe('refuse');
  expect(table.judge(command(1, 1)).type).toBe('apply');
  table.applied(command(3, 1), new Uint8Array(6));
  table.applied(command(1, 1), new Uint8Array(6));
  expect(table.size).toBe(1);
});

test('mutants: a greatest sequence instead of a set locks out, or answers twice', () => {
  let last = 0;
  const greatest: SessionRules = {
    judge: (session, { sequence }) => {
      if (session === undefined || sequence < last) return { type: 'refuse', reason: 'session-expired' };
      last = sequence;
      return { type: 'apply' };
    },
  };
  const journal = new Journal();
  run(new SessionedStateMachine(journal, greatest), { type: 'register' }, command(1, 2), command(1, 1), command(1, 2));
  expect(journal.lines).toEqual(['1.2', '1.2']);
});

test('bytes: numbers of every size, and nothing that is broken throws or asks for memory', () => {
  for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 32, Number.MAX_SAFE_INTEGER])
    expect(new ByteReader(new ByteWriter().varint(value).finish()).varint()).toBe(value);
  for (const bytes of [[], [0x80], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [5, 1, 2]]) {
    const reader = new ByteReader(new Uint8Array(bytes));
    reader.bytes();
    expect(reader.isBroken).toBe(true);
    expect(reader.text()).toBe('');
    expect(reader.remaining).toBe(0);
  }
  const text = new ByteReader(new ByteWriter().bytes(new Uint8Array([0xff])).finish());
  expect(text.text()).toBe('');
  expect(text.isBroken).toBe(true);
});
