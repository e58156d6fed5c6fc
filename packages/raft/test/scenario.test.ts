// Servers on a table, with time: elections, priorities, leases, handovers, disks that fail, changes, snapshots.
import { expect, test } from 'vitest';
import type { Entry, MembershipStep, Rules } from '../src/index.ts';
import { bare, Script, type Flying } from './support/script.ts';

const three = ['n1', 'n2', 'n3'];
const five = ['n1', 'n2', 'n3', 'n4', 'n5'];

function elected(script: Script, ms = 1_000): string | undefined {
  script.live(ms);
  return script.leader();
}

function texts(entries: readonly Entry[] | undefined): string[] {
  return (entries ?? []).flatMap(({ payload }) =>
    payload.type === 'command' ? [new TextDecoder().decode(payload.command)] : [],
  );
}

function change(script: Script, id: string, ...steps: MembershipStep[]): void {
  script.take(id, 'accepted');
  script.take(id, 'refused');
  script.ask(id, (ticket) => ({ type: 'change', ticket, steps }));
}

test('the highest id wins, and a greater priority wins over it', () => {
  expect(elected(new Script({ voters: ['n1', 'n2', 'n10'] }))).toBe('n10');
  const config = { takeoverStableMs: 500 };
  expect(elected(new Script({ voters: three, priorities: { n1: 5 }, config }), 3_000)).toBe('n1');
});

test('a leader dies: the next one by id leads within 500 ms', () => {
  const script = new Script({ voters: five });
  expect(elected(script)).toBe('n5');
  script.crash('n5');
  const diedAt = script.now;
  while (script.leader() === undefined) script.live(1);
  expect(script.leader()).toBe('n4');
  expect(script.now - diedAt).toBeLessThan(300);
});

test('the two best are dead: no longer than their ranks', () => {
  const script = new Script({ voters: five });
  elected(script);
  script.crash('n5');
  script.crash('n4');
  const diedAt = script.now;
  while (script.leader() === undefined) script.live(1);
  expect(script.leader()).toBe('n3');
  expect(script.now - diedAt).toBeLessThan(400);
});

test('a better server comes back, catches up, and takes over once', () => {
  const script = new Script({ voters: three, config: { takeoverStableMs: 500 } });
  elected(script);
  script.crash('n3');
  expect(elected(script)).toBe('n2');
  for (let count = 0; count < 10; count++) script.propose('n2');
  script.live(100);
  const { term } = script.status('n2');
  script.start('n3');
  script.live(3_000);
  expect(script.leader()).toBe('n3');
  expect(script.status('n3').term).toBeLessThanOrEqual(term + 2);
  expect(script.violations()).toEqual([]);
});

test('a better server whose log is behind does not win, and does not block', () => {
  const logs = { n1: { terms: [1, 1, 1] }, n2: { terms: [1, 1, 1] }, n3: { terms: [1] } };
  const script = new Script({ voters: three, logs, config: { takeoverStableMs: 3_600_000 } });
  expect(elected(script, 600)).toBe('n2');
});

test('pre-vote: a server that hears nobody raises no term, and disturbs nobody when it is back', () => {
  const script = new Script({ voters: three });
  elected(script);
  const { term } = script.status('n3');
  script.live(5_000, ({ from, to }) => from === 'n1' || to === 'n1');
  expect(script.status('n1').term).toBe(term);
  script.live(2_000);
  expect(script.status('n3')).toMatchObject({ role: 'leader', term });
});

test('broken links: with pre-vote and heed for a living leader there is one leader; without them terms race', () => {
  const deafLeader = ({ to, from }: Flying): boolean => to === 'n3' && from !== 'n3';
  const script = new Script({ voters: three });
  elected(script);
  script.live(3_000, deafLeader); // it is heard and hears nobody
  expect(script.leader()).toBe('n2');
  const cut = ({ from, to }: Flying): boolean => from !== 'n2' && to !== 'n2';
  const terms = (config: { preVote: boolean; checkQuorum: boolean }, rules: Partial<Rules> = {}): number => {
    const racing = new Script({ voters: three, config, rules });
    elected(racing);
    const { term } = racing.status('n1');
    racing.live(10_000, cut); // n1 and n3 do not hear each other, n2 hears both
    return racing.status(racing.leader() as string).term - term;
  };
  expect(terms({ preVote: true, checkQuorum: true })).toBeLessThanOrEqual(1);
  expect(terms({ preVote: false, checkQuorum: false }, { heedsLeader: () => false })).toBeGreaterThan(2);
});

test('check-quorum: a leader alone gives up, and refuses what it is asked', () => {
  const script = new Script({ voters: three });
  elected(script);
  script.live(1_000, ({ from, to }) => from === 'n3' || to === 'n3');
  expect(script.status('n3').role).not.toBe('leader');
  script.propose('n3');
  expect(script.take('n3', 'refused')).toMatchObject([{ reason: 'not-leader' }]);
});

test('a handover: proposals wait elsewhere, the target leads within one round, nothing is lost', () => {
  const script = new Script({ voters: three });
  elected(script);
  script.propose('n3', 'before');
  script.ask('n3', (ticket) => ({ type: 'transfer', ticket, to: 'n1' }));
  script.propose('n3', 'during');
  expect(script.take('n3', 'refused')).toMatchObject([{ reason: 'transferring' }]);
  const startedAt = script.now;
  while (script.leader() !== 'n1') script.live(1);
  expect(script.now - startedAt).toBeLessThan(30);
  expect(script.take('n3', 'transferred')).toMatchObject([{ isDone: true }]);
  script.live(200);
  expect(texts(script.applied.get('n1'))).toEqual(['before']);
});

test('a handover to someone dead ends by itself', () => {
  const script = new Script({ voters: three });
  elected(script);
  script.stick('n1');
  script.propose('n3');
  script.ask('n3', (ticket) => ({ type: 'transfer', ticket, to: 'n1' }));
  script.live(1_000);
  expect(script.take('n3', 'transferred')).toMatchObject([{ isDone: false }]);
  script.propose('n3', 'again');
  script.live(100);
  expect(texts(script.applied.get('n2'))).toContain('again');
});

test('a disk hangs under the leader: someone else leads within a second, and it comes back when the disk does', () => {
  const script = new Script({ voters: three, config: { takeoverStableMs: 1_000 } });
  elected(script);
  script.stick('n3');
  script.propose('n3', 'stuck');
  const startedAt = script.now;
  while (script.leader() === 'n3') script.live(1);
  expect(script.now - startedAt).toBeLessThan(1_000);
  script.propose(script.leader() as string, 'elsewhere');
  script.live(200);
  expect(texts(script.applied.get('n1'))).toEqual(['stuck', 'elsewhere']);
  script.live(5_000);
  expect(script.leader()).toBe('n2');
  script.unstick('n3');
  script.live(5_000);
  expect(script.leader()).toBe('n3');
});

test('a full disk: the leader hands over, a full follower takes no entries and still votes', () => {
  const script = new Script({ voters: three });
  elected(script);
  script.input('n3', { type: 'space', isLow: true });
  script.live(500);
  expect(script.leader()).toBe('n2');
  script.propose('n2', 'x');
  script.live(100);
  expect(script.status('n3').lastIndex).toBeLessThan(script.status('n2').lastIndex);
  script.crash('n2');
  script.live(1_500);
  expect(script.leader()).toBe('n1'); // elected by the full one, which cannot help it to commit
  expect(script.status('n1').commitIndex).toBeLessThan(script.status('n1').lastIndex);
  script.input('n3', { type: 'space', isLow: false });
  script.live(500);
  expect(script.status('n1').commitIndex).toBe(script.status('n1').lastIndex);
});

test('a failed write: the server stops, and a leader names its successor first', () => {
  const script = new Script({ voters: three });
  elected(script);
  script.stick('n3');
  script.propose('n3');
  script.fail('n3');
  expect(script.take('n3', 'stopped')).toHaveLength(1);
  script.live(20);
  expect(script.leader()).toBe('n2');
  expect(script.status('n3').stoppedFor).toBe('the disk failed');
});

test('all torn at once by a power cut: nobody is whole, all are there, and the best log of all leads', () => {
  const logs = { n1: { terms: [1, 1] }, n2: { terms: [1, 1, 1] }, n3: { terms: [1] } };
  const script = new Script({ voters: three, logs });
  for (const id of three) script.restart(id, { log: true, hardState: false });
  script.live(50, ({ to, from }) => to === 'n1' || from === 'n1');
  script.live(2_000, ({ to, from }) => to === 'n1' || from === 'n1');
  expect(script.leader()).toBeUndefined(); // n1 might have what nobody else can read
  script.live(2_000);
  expect(script.leader()).toBe('n2');
  for (const id of three) expect(script.status(id)).toMatchObject({ isRecovering: false, lastIndex: 4 });
});

test('two of five rotten: the other three go on, and heal them', () => {
  const script = new Script({ voters: five });
  elected(script);
  for (let count = 0; count < 5; count++) script.propose('n5');
  script.live(100);
  for (const id of ['n1', 'n5']) {
    script.crash(id);
    script.rot(id, 2);
    script.start(id, { log: true, hardState: true });
  }
  script.live(3_000);
  for (const id of five) expect(texts(script.applied.get(id))).toHaveLength(5);
  for (const id of five) expect(script.status(id).isRecovering).toBe(false);
  expect(script.violations()).toEqual([]);
});

test('alone and torn: nobody else can know, so it goes on with what it can read', () => {
  const script = new Script({ voters: ['n1'], logs: { n1: { terms: [1, 1], term: 3 } } });
  script.restart('n1', { log: true, hardState: false });
  script.live(500);
  expect(script.status('n1')).toMatchObject({ role: 'leader', isRecovering: false });
});

test('a commit index beyond a log that lost its end is no reason to fail', () => {
  const script = new Script({ voters: three, config: bare });
  script.elect('n1');
  script.deliver();
  for (let count = 0; count < 3; count++) script.propose('n1');
  script.deliver();
  script.pass(150);
  script.deliver();
  script.propose('n1');
  script.deliver();
  script.crash('n2');
  script.rot('n2', 2);
  script.start('n2', { log: true, hardState: false });
  expect(script.status('n2')).toMatchObject({ lastIndex: 1, commitIndex: 1 });
});

test('changes: a learner, a voter, one less, and three at once in joint consensus', () => {
  const script = new Script({ voters: three, strangers: ['n4', 'n5', 'n6'] });
  elected(script);
  change(script, 'n3', { type: 'add-voter', id: 'n4' });
  expect(script.take('n3', 'refused')).toMatchObject([{ reason: 'not-caught-up' }]);
  change(script, 'n3', { type: 'add-learner', id: 'n4' });
  script.live(200);
  expect(script.status('n4').lastIndex).toBe(script.status('n3').lastIndex);
  change(script, 'n3', { type: 'promote', id: 'n4' });
  change(script, 'n3', { type: 'remove', id: 'n1' });
  expect(script.take('n3', 'refused')).toMatchObject([{ reason: 'change-pending' }]);
  script.live(200);
  change(script, 'n3', { type: 'add-learner', id: 'n5' }, { type: 'add-learner', id: 'n6' });
  script.live(200);
  const swap: MembershipStep[] = [
    { type: 'promote', id: 'n5' },
    { type: 'promote', id: 'n6' },
    { type: 'remove', id: 'n1' },
    { type: 'remove', id: 'n2' },
  ];
  change(script, 'n3', ...swap);
  expect(script.status('n3').configuration.outgoing).toEqual(['n1', 'n2', 'n3', 'n4']);
  script.live(300);
  for (const id of ['n3', 'n4', 'n5', 'n6'])
    expect(script.status(id).configuration).toMatchObject({ voters: ['n3', 'n4', 'n5', 'n6'], outgoing: [] });
  expect(script.violations()).toEqual([]);
});

test('a better server that becomes a voter in a joint change is handed over to when that is over: no vote fails', () => {
  const script = new Script({ voters: three, learners: ['n9'], config: { takeoverStableMs: 500 } });
  elected(script);
  script.crash('n1');
  script.live(2_000); // the learner is in good order for long enough
  const { term } = script.status('n3');
  change(script, 'n3', { type: 'promote', id: 'n9' }, { type: 'remove', id: 'n1' });
  // The heir is the first to have the joint configuration; when the other one has it, too, the leader ends it.
  script.deliver(({ from, to, message }) => ![from, to].includes('n2') && message.type !== 'timeout-now');
  script.among('n2', 'n3');
  let withoutMs = 0;
  for (let ms = 0; ms < 2_000; ms++) {
    script.live(1);
    if (script.leader() === undefined) withoutMs++;
  }
  expect(script.leader()).toBe('n9');
  expect([withoutMs <= 2, script.status('n9').term]).toEqual([true, term + 1]);
  expect(script.violations()).toEqual([]);
});

test('a leader removes itself: it leads until that is committed, then names a successor', () => {
  const script = new Script({ voters: three });
  elected(script);
  change(script, 'n3', { type: 'remove', id: 'n3' });
  expect(script.status('n3').role).toBe('leader');
  script.live(30);
  expect(script.leader()).toBe('n2');
  script.live(3_000);
  expect(script.status('n3').role).not.toBe('leader');
  expect(script.status('n2').role).toBe('leader');
});

test('what cannot be changed is refused, with the reason', () => {
  const script = new Script({ voters: ['n1'], learners: ['n2'] });
  elected(script);
  const reasons: [MembershipStep, string][] = [
    [{ type: 'remove', id: 'n9' }, 'unknown-server'],
    [{ type: 'remove', id: 'n1' }, 'no-voter-left'],
    [{ type: 'add-learner', id: 'n2' }, 'no-change'],
  ];
  for (const [step, reason] of reasons) {
    change(script, 'n1', step);
    expect(script.take('n1', 'refused')).toMatchObject([{ reason }]);
  }
});

test('reads: of a leader by a round, of a follower through its leader, by a lease without a message', () => {
  const script = new Script({ voters: three });
  elected(script);
  script.propose('n3');
  script.live(100);
  const own = script.ask('n3', (ticket) => ({ type: 'read', ticket, mode: 'read-index' }));
  expect(script.take('n3', 'read-ready')).toEqual([]);
  script.live(5);
  expect(script.take('n3', 'read-ready')).toMatchObject([{ ticket: own, mustConfirm: false }]);
  const other = script.ask('n1', (ticket) => ({ type: 'read', ticket, mode: 'read-index' }));
  script.live(50);
  expect(script.take('n1', 'read-ready')).toMatchObject([{ ticket: other }]);
  const leased = script.ask('n3', (ticket) => ({ type: 'read', ticket, mode: 'lease' }));
  expect(script.take('n3', 'read-ready')).toMatchObject([{ ticket: leased, mustConfirm: true }]);
  script.input('n3', { type: 'read-done', ticket: leased });
  expect(script.take('n3', 'read-confirmed')).toMatchObject([{ ticket: leased }]);
});

test('limits: proposals and reads beyond them are refused', () => {
  const script = new Script({ voters: three, config: { uncommittedBytesMax: 200, readsMax: 3 } });
  elected(script);
  for (let count = 0; count < 8; count++) script.propose('n3');
  expect(script.take('n3', 'refused').map(({ reason }) => reason)).toContain('overloaded');
  for (let count = 0; count < 5; count++) script.ask('n1', (ticket) => ({ type: 'read', ticket, mode: 'read-index' }));
  expect(script.take('n1', 'refused').map(({ reason }) => reason)).toEqual(['overloaded', 'overloaded']);
});

test('one write serves many proposals, and goes to the disk before the messages leave', () => {
  const script = new Script({ voters: three, config: bare });
  script.elect('n1');
  script.deliver();
  script.stick('n1');
  const command = new Uint8Array(10);
  const payload = { type: 'command', session: 0, sequence: 0, acknowledged: 0, command } as const;
  const inputs = Array.from({ length: 50 }, (_, ticket) => ({ type: 'propose', ticket, payload }) as const);
  script.input('n1', ...inputs);
  expect(script.openCount('n1')).toBe(1);
  expect(script.flying.filter(({ message }) => message.type === 'append-request')).toHaveLength(2);
  script.deliver(); // committed by the two others, while the leader's own disk is still at it
  expect(script.status('n1')).toMatchObject({ commitIndex: 51, durableIndex: 1 });
});
