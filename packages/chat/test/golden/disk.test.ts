// What the chat writes into its log and its snapshots, as version 1 has it. A change that makes the bytes others needs a
// new version and golden files of its own; these stay, and must still give the same state. GRP_GOLDEN=write makes new ones.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { captureState, restoreState } from '../../src/snapshot.ts';
import { ChatState } from '../../src/state.ts';
import { Script, tokenOf } from '../support.ts';

const file = new URL('./disk-v1.json', import.meta.url);

interface Golden {
  /** Commands as they stand in the log, in base64. */
  readonly log: readonly string[];
  readonly snapshot: string;
}

function scripted(): Script {
  const script = new Script(new ChatState());
  for (const name of ['ann', 'bob']) script.arrive(name);
  const tokenHash = tokenOf('ann');
  for (const text of ['tea?', 'or coffee ☕']) script.do({ case: 'send', value: { tokenHash, room: 'general', text } });
  script.do({ case: 'send', value: { tokenHash, room: '@bob', text: 'between us' } });
  script.do({ case: 'markRead', value: { tokenHash: tokenOf('bob'), room: 'general', sequence: 1n } });
  script.do({ case: 'deleteMessage', value: { tokenHash, room: 'general', sequence: 1n } });
  return script;
}

function joined(parts: Iterable<Uint8Array>): Buffer {
  return Buffer.concat([...parts]);
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

function golden(): Golden {
  if (process.env['GRP_GOLDEN'] === 'write') {
    const { log, state } = scripted();
    const snapshot = joined(captureState(state)).toString('base64');
    const content: Golden = { log: log.map((command) => Buffer.from(command).toString('base64')), snapshot };
    writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Golden;
}

const { log, snapshot } = golden();
const now = scripted();

test('a log of version 1 gives the same state', () => {
  const state = new ChatState();
  for (const [index, command] of log.entries()) state.apply(index + 1, Uint8Array.from(Buffer.from(command, 'base64')));
  expect(facts(state)).toEqual(facts(now.state));
  expect([...state.rooms()].length).toBeGreaterThan(1);
});

test('a snapshot of version 1 gives the same state', () => {
  expect(facts(restoreState([Uint8Array.from(Buffer.from(snapshot, 'base64'))]))).toEqual(facts(now.state));
});

test('what is written today is version 1', () => {
  expect(now.log.map((command) => Buffer.from(command).toString('base64'))).toEqual(log);
  expect(joined(captureState(now.state)).toString('base64')).toBe(snapshot);
});
