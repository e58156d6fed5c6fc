import { expect, test } from 'vitest';
import { healthOf, repairText } from '../src/live/health.ts';
import { clusterModel, emptyModel, withMemberNews } from '../src/live/model.ts';
import { StripMeter } from '../src/live/strips.ts';

const names = ['n1', 'n2', 'n10'];

function members(change: Readonly<Record<string, string>> = {}) {
  return {
    members: names.map((name, index) => ({
      ...{ id: `${name}#1`, name, address: `127.0.0.1:${index + 1}`, incarnation: 7, rttMs: 1.5 },
      status: change[name] ?? 'alive',
      tags: { ports: 'gms:2,raft:5,http:9' },
    })),
  };
}

function node(name: string, more: object = {}, documents: object = {}) {
  return {
    ...{ name, isSelf: name === 'n1', http: 'http://127.0.0.1:7953', reach: 'ok' },
    documents: { 'swim.members': members(), 'node.status': { roles: ['swim', 'gms'], ready: true }, ...documents },
    ...more,
  };
}

test('every member is a row, in the order of its number, with what it tells of itself', () => {
  const model = clusterModel({ nodes: [node('n10'), node('n2'), node('n1')] });
  expect(model.rows.map(({ name, state, isSelf }) => [name, state, isSelf])).toEqual([
    ['n1', 'alive', true],
    ['n2', 'alive', false],
    ['n10', 'alive', false],
  ]);
  expect(model.rows[0]).toMatchObject({ incarnation: 7, roles: ['swim', 'gms'], rttMs: 1.5, reach: 'ok' });
  expect(healthOf(model)).toEqual([{ level: 'well', sentence: '3 members alive, and all lists agree.' }]);
});

test('a member that nobody could ask is still a row, with the roles that it announces', () => {
  const model = clusterModel({ nodes: [node('n1')] });
  expect(model.rows.map(({ name, reach }) => [name, reach])).toEqual([
    ['n1', 'ok'],
    ['n2', 'skipped'],
    ['n10', 'skipped'],
  ]);
  expect(model.rows[1]?.roles).toEqual(['swim', 'gms', 'raft']);
});

test('a node that does not answer is told before the membership has judged, and then as down', () => {
  const silent = clusterModel({ nodes: [node('n1'), { ...node('n2', { reach: 'refused' }), documents: {} }] });
  expect(healthOf(silent)[0]?.sentence).toBe('n2 does not answer; the membership has not judged yet.');
  const judged = clusterModel({
    nodes: [
      node('n1', {}, { 'swim.members': members({ n2: 'down' }) }),
      { ...node('n2', { reach: 'refused' }), documents: {} },
    ],
  });
  expect(healthOf(judged)[0]).toEqual({ level: 'trouble', sentence: 'n2 is down.' });
});

test('lists that differ are told with both sides', () => {
  const model = clusterModel({ nodes: [node('n1'), node('n2', {}, { 'swim.members': members({ n10: 'suspect' }) })] });
  expect(healthOf(model)[0]?.sentence).toBe('The lists differ: n1 has n10 as alive, n2 as suspect.');
});

test('news of a member is shown at once; news of a stranger changes nothing', () => {
  const model = clusterModel({ nodes: [node('n1')] });
  const next = withMemberNews(model, { name: 'n2', status: 'suspect', incarnation: 9 });
  expect(next.rows[1]).toMatchObject({ state: 'suspect', incarnation: 9 });
  expect(withMemberNews(model, { name: 'nobody', status: 'down' })).toBe(model);
});

test('the leader of a raft group is whoever says so in the newest term', () => {
  const raft = (role: string, term: number, leader: string) => ({
    'raft.status raft': {
      group: 'raft',
      role,
      term,
      leader,
      voters: ['n1', 'n2'],
      firstIndex: 1,
      lastIndex: 5,
      commitIndex: 4,
    },
  });
  const model = clusterModel({
    nodes: [node('n1', {}, raft('leader', 2, 'n1')), node('n2', {}, raft('leader', 3, 'n2'))],
  });
  expect(model.raft).toMatchObject([{ name: 'raft', term: 3, leader: 'n2', voters: ['n1', 'n2'] }]);
  const leaderless = clusterModel({ nodes: [node('n1', {}, raft('candidate', 4, ''))] });
  expect(healthOf(leaderless).map(({ sentence }) => sentence)).toContain(
    'The raft group raft has no leader in term 4.',
  );
});

test('two members that have delivered equally much and differ are trouble', () => {
  const view = (orderHash: string) => ({
    'gms.view': {
      group: 'g',
      self: 'x',
      status: 'joined',
      view: { id: 1, leader: 'n1#1', members: [] },
      delivered: { sequence: 5, orderHash },
    },
  });
  const model = clusterModel({ nodes: [node('n1', {}, view('a')), node('n2', {}, view('b'))] });
  expect(healthOf(model)).toContainEqual({
    level: 'trouble',
    sentence: 'Deliveries differ up to message 5: this must never be.',
  });
});

test('files that lack copies are told, and what repair does about it', () => {
  const files = { files: [{ name: 'a.bin', version: 3, bytes: 10, replicas: ['n1', 'n2'] }] };
  const repair = { idle: false, files: 1, lost: 1, underReplicated: 2, copying: 1, copiesDone: 4 };
  const model = clusterModel({
    nodes: [node('n1', {}, { 'dfs.files': files, 'dfs.repair': repair, 'dfs.store': { blobs: 1, bytes: 10 } })],
  });
  expect(model.files).toEqual([{ name: 'a.bin', version: '3', bytes: 10, replicas: ['n1', 'n2'] }]);
  expect(model.rows[0]?.stored).toEqual({ blobs: 1, bytes: 10 });
  expect(healthOf(model).map(({ sentence }) => sentence)).toEqual([
    '1 file cannot be read until a server comes back.',
    '2 files with too few copies; 1 are being copied.',
  ]);
  expect(repairText(model.repair)).toBe('1 file; 2 with too few copies, 1 being copied, 4 copies mended so far');
});

const hostile: readonly unknown[] = [
  undefined,
  null,
  [],
  'text',
  { nodes: 7 },
  { nodes: [null, 1, [], { name: 5, documents: 'x' }] },
  {
    nodes: [
      { name: 'n1', isSelf: true, documents: { 'swim.members': { members: [{ name: {}, status: [], tags: 3 }] } } },
    ],
  },
  {
    nodes: [
      {
        name: 'a',
        http: 'javascript:alert(1)',
        documents: { 'gms.workers': { colour: 'url(x)' }, 'gms.view': { status: 'joined' } },
      },
    ],
  },
];

test.each(hostile)('nonsense is read without a throw: %j', (document) => {
  const model = clusterModel(document);
  expect(healthOf(model).length).toBeGreaterThan(0);
  for (const row of model.rows) {
    expect(row.http).toBeUndefined();
    expect(row.group?.colour).toBeUndefined();
  }
});

test('without an answer there is nothing to say yet', () => {
  expect(healthOf(emptyModel)[0]?.sentence).toBe('Waiting for the first answer.');
});

/** A model of nodes with what they have sent. */
function sent(counters: Readonly<Record<string, Readonly<Record<string, number>>>>) {
  return clusterModel({
    nodes: Object.entries(counters).map(([name, types]) => ({
      ...{ name, reach: 'ok' },
      documents: {
        'swim.bandwidth': {
          messages: Object.entries(types).map(([type, bytesOut]) => ({ type, bytesOut, packetsOut: bytesOut / 100 })),
        },
      },
    })),
  });
}

test('rates come from counters; a counter that begins anew and a node that is gone make no spike', () => {
  const meter = new StripMeter();
  meter.observe(0, sent({ n1: { ping: 1_000 }, n2: { ping: 5_000 } }));
  meter.observe(1_000, sent({ n1: { ping: 1_500 }, n2: { ping: 5_100 } }));
  expect(meter.total).toBe(600);
  meter.observe(2_000, sent({ n1: { ping: 10 }, n2: { ping: 5_300 } }));
  expect(meter.total).toBe(200);
  meter.observe(3_000, sent({ n2: { ping: 5_300 } }));
  meter.observe(3_100, sent({ n2: { ping: 9_999 } })); // too soon to be a rate
  expect(meter.strips()).toMatchObject([
    { id: 'packets', unit: 'per second', times: [1, 2, 3], lines: [{ name: 'ping', values: [6, 2, 0] }] },
    { id: 'bytes', unit: 'bytes per second', times: [1, 2, 3], lines: [{ name: 'ping', values: [600, 200, 0] }] },
  ]);
});

test('five minutes are kept, and eight types of messages', () => {
  const meter = new StripMeter();
  for (let at = 0; at < 400; at++) {
    const types = Object.fromEntries(Array.from({ length: 12 }, (_, kind) => [`k${kind}`, at * (20 - kind)]));
    meter.observe(at * 1_000, sent({ n1: types }));
  }
  const bytes = meter.strips().find(({ id }) => id === 'bytes');
  expect([bytes?.times.length, bytes?.lines.length, bytes?.lines.at(-1)?.name]).toEqual([300, 9, 'others']);
});

test('deliveries, log positions and missing copies are strips of their own, in the order of what one asks first', () => {
  const meter = new StripMeter();
  const look = (sequence: number, commitIndex: number, underReplicated: number, joined = true) => {
    const documents = {
      'gms.view': { group: 'g', self: 'x', status: 'joined', view: { id: 1 }, delivered: { sequence } },
      'raft.status chat': { group: 'chat', role: 'leader', term: 1, commitIndex },
      'dfs.repair': { idle: false, underReplicated, copying: 1, lost: 0 },
    };
    const late = { 'gms.view': { ...documents['gms.view'], delivered: { sequence: joined ? sequence : 0 } } };
    return clusterModel({ nodes: [node('n1', {}, documents), node('n2', {}, late)] });
  };
  meter.observe(0, look(10, 5, 0, false));
  meter.observe(2_000, look(30, 8, 2)); // n2 has taken over what it had not delivered itself
  meter.observe(3_000, look(31, 8, 1));
  expect(
    meter
      .strips()
      .map(({ id, unit, lines }) => [id, unit, Object.fromEntries(lines.map((one) => [one.name, one.values]))]),
  ).toEqual([
    ['deliveries', 'per second', { n1: [10, 1], n2: [null, 1] }],
    ['log chat', 'log index', { n1: [8, 8] }],
    ['files', 'files', { 'being copied': [1, 1], 'too few copies': [2, 1], unreadable: [0, 0] }],
  ]);
});
