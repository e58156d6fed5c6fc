// The lab takes anything that keeps the interface of a group. Here it is one that cannot fail, because one object knows
// everything: what is tested is that its life reaches checkers, colours and diagram as it should.
import type { NodeId } from '@grp/core';
import type { GroupEvents, GroupMember, GroupStatus, View } from '@grp/gms';
import { expect, test } from 'vitest';
import { groupLevel, type LabGroup, type OpenGroupOptions } from '../src/gms/levels/group-member.ts';
import type { LabReport } from '../src/gms/levels/report.ts';
import { LabRun } from '../src/gms/levels/run.ts';
import { labScenarios, parsePlan, type Plan } from '../src/index.ts';

type Listeners = { [Name in keyof GroupEvents]?: (value: GroupEvents[Name]) => void };

/** The whole group in one place. */
class Oracle {
  readonly members = new Map<NodeId, OracleMember>();
  view: View = { id: 0, members: [] };
  sequence = 0;

  readonly open = (options: OpenGroupOptions): LabGroup => {
    options.detector.onSuspect((dead) => this.remove(dead));
    options.detector.onTrust((member) => void this.excluded.get(member)?.join());
    return new OracleMember(this, options);
  };

  readonly excluded = new Map<NodeId, OracleMember>();

  remove(id: NodeId): void {
    const member = this.members.get(id);
    if (member === undefined) return;
    this.members.delete(id);
    this.excluded.set(id, member);
    member.listeners.excluded?.({ view: this.view.id });
    this.install(this.view.members.filter((other) => other.id !== id));
  }

  install(members: readonly GroupMember[]): void {
    this.view = { id: this.view.id + 1, members };
    for (const { listeners } of this.members.values()) listeners.view?.({ view: this.view, joined: [], gone: [] });
  }
}

class OracleMember implements LabGroup {
  readonly listeners: Listeners = {};
  readonly #oracle: Oracle;
  readonly #options: OpenGroupOptions;

  constructor(oracle: Oracle, options: OpenGroupOptions) {
    this.#oracle = oracle;
    this.#options = options;
  }

  get status(): GroupStatus {
    return this.#oracle.members.has(this.#options.self.id) ? 'joined' : 'joining';
  }

  get view(): View {
    return this.#oracle.view;
  }

  on<Name extends keyof GroupEvents>(event: Name, listener: (value: GroupEvents[Name]) => void): () => void {
    Object.assign(this.listeners, { [event]: listener });
    return () => {};
  }

  async join(): Promise<View> {
    const oracle = this.#oracle;
    const { self, state } = this.#options;
    const [donor] = oracle.members.values();
    const chunks = donor?.capture();
    oracle.members.set(self.id, this);
    oracle.install([...oracle.view.members, self]);
    if (chunks !== undefined) await state.restore(chunks as AsyncIterable<Uint8Array>);
    return oracle.view;
  }

  capture(): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    return this.#options.state.capture();
  }

  // The datagrams are only there to be counted.
  post(payload: Uint8Array): boolean {
    const oracle = this.#oracle;
    for (const { address } of oracle.view.members) this.#options.transport.send(address, payload);
    const { id } = this.#options.self;
    const delivery = { sequence: ++oracle.sequence, view: oracle.view.id, sender: id, payload };
    for (const { listeners } of oracle.members.values()) listeners.message?.(delivery);
    return true;
  }
}

async function run(plan: Plan, seed: number): Promise<LabReport> {
  return new LabRun({ plan, level: 'oracle', start: groupLevel(new Oracle().open), seed }).run();
}

test.each(labScenarios.map(({ name, plan, seed }) => [name, plan, seed] as const))(
  'a group that knows everything breaks nothing in %s',
  async (_name, plan, seed) => {
    const report = await run(plan, seed);
    expect(report.violations).toEqual([]);
    expect(report.divergence).toBeUndefined();
    expect(report.figures.lostOwn).toBe(0);
    const living = report.workers.filter(({ state }) => state === 'running');
    expect(new Set(living.map(({ colour }) => colour)).size).toBe(1);
    expect((await run(plan, seed)).traceHash).toBe(report.traceHash);
  },
);

test('who was left out by mistake comes back with the state of the others', async () => {
  const { plan, seed } = labScenarios.find(({ name }) => name === 'gms4-suspicion') as (typeof labScenarios)[number];
  const { events, workers } = await run(plan, seed);
  expect(events).toContainEqual(expect.objectContaining({ lane: 'n1', label: 'excluded' }));
  expect(events).toContainEqual(expect.objectContaining({ lane: 'n1', mark: 'state' }));
  expect(workers.map(({ view }) => view?.members.length)).toEqual([4, 4, 4, 4]);
});

test('a leader crashes after so many datagrams', async () => {
  const plan = parsePlan({
    founders: 3,
    settleMs: 1_000,
    delayMs: [1, 2],
    steps: [
      { type: 'crash-after-sends', at: 0, node: 'leader', sends: 4 },
      { type: 'multicast', at: 10, node: 'n1', count: 5, everyMs: 10 },
    ],
  }) as Plan;
  const { workers, figures } = await run(plan, 1);
  expect(figures).toMatchObject({ crashes: 1, sent: 2 });
  expect(workers.map(({ state, leads }) => `${state} ${leads}`)).toEqual([
    'crashed false',
    'running true',
    'running false',
  ]);
});
