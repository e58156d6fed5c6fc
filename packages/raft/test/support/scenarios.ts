// Stories in which a classical mistake loses data. Each runs with any rules, and says what went wrong.
import type { MembershipStep, Message, Rules } from '../../src/index.ts';
import { bare, Script, type Flying } from './script.ts';

export type Scenario = (rules?: Partial<Rules>) => readonly string[];

function told(body: (problems: string[]) => Script): readonly string[] {
  const problems: string[] = [];
  try {
    const script = body(problems);
    return [...problems, ...script.violations().map(({ checker, message }) => `${checker}: ${message}`)];
  } catch (cause) {
    return [...problems, String(cause)];
  }
}

const carries =
  (index: number) =>
  ({ message }: Flying): boolean =>
    message.type === 'append-request' && message.entries.some((entry) => entry.index === index);

/** Figure 8: a majority stores an entry of an earlier term, and it is overwritten all the same. */
export const figure8: Scenario = (rules = {}) =>
  told(() => {
    const voters = ['s1', 's2', 's3', 's4', 's5'];
    const script = new Script({ voters, rules, config: { ...bare, appendBytesMax: 1 } });
    script.elect('s2');
    script.deliver();
    script.elect('s1'); // (a) term 2; its entry 2 reaches s2 only
    script.deliver(({ message }) => message.type !== 'append-request');
    script.among('s1', 's2');
    script.lose();
    script.crash('s1');
    script.elect('s5'); // (b) term 3, by s3 and s4; another entry 2
    script.deliver(({ to, message }) => to !== 's2' && message.type !== 'append-request');
    script.lose();
    script.crash('s5');
    script.restart('s1'); // (c) term 4; entry 2 of term 2 gets to a majority, the leader's own entry 3 to nobody
    script.elect('s1');
    script.elect('s1');
    script.deliver(({ message }) => message.type === 'vote-request' || message.type === 'vote-response');
    const wouldFit = (flying: Flying): boolean => carries(3)(flying) && script.status(flying.to).lastIndex >= 2;
    for (const to of ['s3', 's4']) script.deliver((flying) => involves(flying, 's1', to) && !wouldFit(flying));
    script.lose();
    script.crash('s1');
    script.restart('s5'); // (d) term 5: its log is more up-to-date than theirs
    script.elect('s5');
    script.elect('s5');
    script.deliver();
    return script;
  });

function involves({ from, to }: Flying, a: string, b: string): boolean {
  return (from === a && to === b) || (from === b && to === a);
}

/** A voter answers, loses power, and votes again in the same term. */
export const forgottenVote: Scenario = (rules = {}) =>
  told(() => {
    const script = new Script({ voters: ['a', 'b', 'c'], rules, config: bare });
    script.stick('a');
    script.elect('b');
    script.among('a', 'b');
    script.restart('a');
    script.lose();
    script.elect('c');
    script.among('a', 'c');
    return script;
  });

/** A follower acknowledges entries, loses power, and elects a leader without them. */
export const forgottenEntries: Scenario = (rules = {}) =>
  told(() => {
    const script = new Script({ voters: ['a', 'b', 'c'], rules, config: bare });
    script.elect('a');
    script.deliver();
    script.stick('b');
    script.propose('a');
    script.among('a', 'b');
    script.crash('a');
    script.restart('b');
    script.lose();
    script.elect('c');
    script.among('b', 'c');
    return script;
  });

/** The disk confirms a write of entries that were replaced since, and the confirmation is taken for the new ones. */
export const confirmationOfReplacedEntries: Scenario = (rules = {}) =>
  told(() => {
    const voters = ['a', 'b', 'c', 'd', 'e'];
    const script = new Script({ voters, rules, config: bare });
    script.elect('a');
    script.deliver();
    script.stick('b');
    for (let count = 0; count < 3; count++) script.propose('a');
    script.among('a', 'b'); // first writes of b: entries 2, 3, 4 of term 1
    script.lose();
    script.elect('c');
    script.deliver(({ to, message }) => to === 'b' && message.type === 'vote-request'); // then the term
    script.deliver(({ message }) => message.type === 'vote-request' || message.type === 'vote-response');
    script.among('c', 'd');
    script.lose();
    for (let count = 0; count < 2; count++) script.propose('c');
    script.among('b', 'c', 'd');
    script.pass(150, ['c']);
    script.among('b', 'c', 'd'); // last: entries 2, 3, 4 of term 2
    script.sync('b', script.openCount('b') - 1);
    script.among('b', 'c', 'd');
    script.lose();
    script.crash('b');
    script.crash('c');
    script.start('b');
    script.elect('a');
    script.elect('a');
    script.among('a', 'b', 'e');
    return script;
  });

/** The log is cut at every append that repeats what is there: an old one takes away what a newer one brought. */
export const repeatedAppend: Scenario = (rules = {}) =>
  told(() => {
    const script = new Script({ voters: ['a', 'b', 'c'], rules, config: bare });
    script.elect('a');
    script.deliver();
    script.propose('a');
    const old = script.flying.find(({ to }) => to === 'b') as Flying;
    script.among('a', 'b');
    script.propose('a');
    script.among('a', 'b');
    script.lose();
    script.receive('b', 'a', old.message); // doubled by the network, and late
    script.crash('a');
    script.elect('c');
    script.elect('c');
    script.among('b', 'c');
    return script;
  });

/** Ongaro's correction of 2015: two leaders change the configuration by one server each, and their majorities miss. */
export const changeBeforeOwnCommit: Scenario = (rules = {}) =>
  told(() => {
    const voters = ['s1', 's2', 's3', 's4'];
    const script = new Script({ voters, learners: ['s5'], rules, config: bare });
    const change = (id: string, ...steps: MembershipStep[]): void =>
      void script.ask(id, (ticket) => ({ type: 'change', ticket, steps }));
    script.elect('s1');
    script.deliver();
    change('s1', { type: 'promote', id: 's5' });
    script.among('s1', 's5');
    script.lose();
    script.elect('s2');
    script.deliver(({ message }) => message.type !== 'append-request');
    change('s2', { type: 'remove', id: 's1' });
    script.among('s2', 's3');
    script.lose();
    script.elect('s1');
    script.elect('s1');
    script.among('s1', 's4', 's5');
    return script;
  });

/** While a snapshot is being put in the place of the log, entries arrive, and are committed beyond it. */
export const appendDuringInstallation: Scenario = (rules = {}) =>
  told(() => {
    const script = new Script({ voters: ['a', 'b', 'c'], rules, config: bare });
    const configuration = { voters: ['a', 'b', 'c'], outgoing: [], learners: [], addresses: {} };
    const snapshot = { id: 'x', index: 2, term: 1, configuration, sizeBytes: 4 };
    const common = { term: 1, round: 1 };
    script.receive('b', 'a', { type: 'snapshot-request', ...common, snapshot, offset: 0, bytes: new Uint8Array(4) });
    const entries = [1, 2, 3].map((index) => ({ index, term: 1, payload: { type: 'no-op' } }) as const);
    const append: Message = {
      type: 'append-request',
      ...common,
      previous: { index: 0, term: 0 },
      entries,
      commit: 3,
      rank: 0,
    };
    script.receive('b', 'a', append);
    script.install('b');
    return script;
  });

/** A snapshot arrives that ends before what is committed. */
export const oldSnapshot: Scenario = (rules = {}) =>
  told(() => {
    const script = new Script({ voters: ['a', 'b', 'c'], rules, config: bare });
    script.elect('a');
    script.deliver();
    for (let count = 0; count < 5; count++) script.propose('a');
    script.deliver();
    script.pass(150);
    script.deliver();
    const configuration = { voters: ['a', 'b', 'c'], outgoing: [], learners: [], addresses: {} };
    const snapshot = { id: 'x', index: 2, term: 1, configuration, sizeBytes: 4 };
    const { term } = script.status('b');
    const bytes = new Uint8Array(4);
    script.receive('b', 'a', { type: 'snapshot-request', term, round: 9, snapshot, offset: 0, bytes });
    if (script.take('b', 'install-snapshot').length === 0) return script;
    script.input('b', { type: 'snapshot-installed', id: 'x', isWhole: true });
    return script;
  });

/** A leader that was deposed answers a read by a round that was over before it was asked. */
export const roundReused: Scenario = (rules = {}) =>
  told((problems) => {
    const script = new Script({ voters: ['a', 'b', 'c'], rules, config: bare });
    script.elect('a');
    script.deliver();
    script.pass(150, ['a']);
    script.deliver();
    script.elect('b');
    script.among('b', 'c');
    script.propose('b');
    script.among('b', 'c');
    script.lose();
    script.ask('a', (ticket) => ({ type: 'read', ticket, mode: 'read-index' }));
    if (script.take('a', 'read-ready').length > 0) problems.push('a deposed leader answers a read');
    return script;
  });

/** A new leader answers a read before it knows what its predecessor committed. */
export const readBeforeOwnCommit: Scenario = (rules = {}) =>
  told((problems) => {
    const script = new Script({ voters: ['a', 'b', 'c'], rules, config: bare });
    script.elect('a');
    script.deliver();
    script.propose('a');
    script.deliver(({ to }) => to !== 'b' && to !== 'c');
    script.deliver(({ from, to }) => from === 'a' && to === 'b');
    script.deliver(({ to }) => to === 'a'); // committed, and acknowledged to a client; b does not know it
    script.lose();
    const committed = script.status('a').commitIndex;
    script.crash('a');
    script.elect('b');
    // Its vote is the only answer that comes back: heartbeats are answered, entries are not stored yet.
    script.stick('c');
    script.deliver(({ message }) => message.type === 'vote-request');
    script.unstick('c');
    script.deliver(({ message }) => message.type === 'vote-response');
    script.stick('b');
    script.stick('c');
    script.ask('b', (ticket) => ({ type: 'read', ticket, mode: 'read-index' }));
    script.among('b', 'c');
    script.pass(150, ['b']);
    script.among('b', 'c');
    const answered = script.take('b', 'read-ready').length > 0;
    if (answered && script.status('b').appliedIndex < committed) problems.push('a read missed a committed write');
    return script;
  });

/** A process stands still between reading under its lease and answering; meanwhile others elect and write. */
export const pauseDuringLeaseRead: Scenario = (rules = {}) =>
  told((problems) => {
    const script = new Script({ voters: ['a', 'b', 'c'], rules, config: {} });
    script.elect('a');
    script.deliver();
    script.live(100);
    const ticket = script.ask('a', (number) => ({ type: 'read', ticket: number, mode: 'lease' }));
    if (script.take('a', 'read-ready')[0]?.mustConfirm !== true) problems.push('there is no lease');
    for (let ms = 0; ms < 2_000; ms++) {
      script.pass(1, ['b', 'c']);
      script.among('b', 'c');
    }
    const leader = script.leader();
    if (leader === 'a') problems.push('nobody took over');
    script.input('a', { type: 'read-done', ticket });
    if (script.take('a', 'read-confirmed').length > 0) problems.push('the read counts although another leads');
    return script;
  });

/** A write fails; the next one seems to work, for the kernel has forgotten what it could not write. */
export const failedSync: Scenario = (rules = {}) =>
  told(() => {
    const script = new Script({ voters: ['a', 'b', 'c'], rules, config: bare });
    script.elect('a');
    script.deliver();
    script.stick('b');
    script.propose('a');
    script.among('a', 'b');
    script.fail('b');
    script.unstick('b');
    script.propose('a');
    script.among('a', 'b');
    script.crash('a');
    script.restart('b');
    script.lose();
    script.elect('c');
    script.among('b', 'c');
    return script;
  });

/** An acknowledged entry rots while its server is down; the server comes back and votes as if it had never been. */
export const rottenEntry: Scenario = (rules = {}) =>
  told(() => {
    const script = new Script({ voters: ['a', 'b', 'c'], rules, config: bare });
    script.elect('a');
    script.deliver();
    script.propose('a');
    script.among('a', 'b');
    script.lose();
    script.crash('b');
    script.rot('b', 2);
    script.crash('a');
    script.start('b', { log: true, hardState: false });
    script.elect('c');
    script.among('b', 'c');
    return script;
  });
