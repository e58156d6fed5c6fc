import { colour, number, record, records, text, texts, type Json } from '../read.ts';
import { nameOf } from '../words.ts';

/** What swim says of a member; `silent` and `gone` are what HTTP adds: it is asked and does not answer. */
export type MemberState = 'alive' | 'suspect' | 'down' | 'left' | 'unknown';

/** How a node takes part in one raft group. */
export interface RaftServer {
  readonly node: string;
  readonly role: string;
  readonly term: number;
  readonly leader: string | undefined;
  readonly first: number;
  readonly applied: number;
  readonly commit: number;
  readonly last: number;
  readonly snapshot: number;
  readonly isRecovering: boolean;
  readonly voters: readonly string[];
}

export interface RaftGroup {
  readonly name: string;
  /** The newest term that anybody knows, and who leads in it. */
  readonly term: number;
  readonly leader: string | undefined;
  readonly voters: readonly string[];
  readonly servers: readonly RaftServer[];
}

/** A node's part in the group of the role gms. */
export interface GroupPart {
  readonly group: string;
  readonly status: string;
  readonly view: number | undefined;
  readonly leads: boolean;
  readonly leader: string | undefined;
  readonly members: readonly string[];
  readonly sequence: number;
  readonly orderHash: string;
  readonly colour: string | undefined;
}

/** Counters of one kind of message, of a whole node since its start. */
export interface TypeTraffic {
  readonly type: string;
  readonly bytesOut: number;
  readonly packetsOut: number;
}

/** How one node sees another. */
export interface Sight {
  readonly state: MemberState;
  readonly incarnation: number;
}

export interface NodeRow {
  readonly name: string;
  readonly isSelf: boolean;
  readonly state: MemberState;
  readonly incarnation: number;
  readonly address: string;
  readonly rttMs: number | undefined;
  readonly changedAt: number | undefined;
  /** `ok`, or why it tells nothing of itself. */
  readonly reach: string;
  readonly reason: string;
  readonly http: string | undefined;
  readonly roles: readonly string[];
  readonly isReady: boolean;
  readonly uptimeMs: number | undefined;
  readonly faults: readonly string[];
  readonly healthScore: number | undefined;
  readonly group: GroupPart | undefined;
  readonly raft: readonly (RaftServer & { readonly group: string })[];
  readonly traffic: readonly TypeTraffic[];
  readonly totalOut: number;
  /** What lies on its disk; undefined without the role dfs. */
  readonly stored: { readonly blobs: number; readonly bytes: number } | undefined;
  /** Its own list, by name; empty when it was not asked or does not answer. */
  readonly sees: ReadonlyMap<string, Sight>;
}

export interface TrackerGroup {
  readonly name: string;
  readonly node: string;
  readonly members: number;
  readonly view: number;
  readonly sent: number;
  readonly order: string;
}

export interface StoredFile {
  readonly name: string;
  readonly version: string;
  readonly bytes: number;
  readonly replicas: readonly string[];
}

/** All that the page shows of a cluster at one moment. */
export interface ClusterModel {
  readonly rows: readonly NodeRow[];
  readonly raft: readonly RaftGroup[];
  readonly trackers: readonly TrackerGroup[];
  readonly files: readonly StoredFile[];
  /** What dfs still has to copy; undefined without the role. */
  readonly repair: Json | undefined;
}

export const emptyModel: ClusterModel = { rows: [], raft: [], trackers: [], files: [], repair: undefined };

/** Reads `grp.cluster.nodes/1`. */
export function clusterModel(document: unknown): ClusterModel {
  const nodes = records(record(document)['nodes']);
  const self = nodes.find((node) => node['isSelf'] === true);
  const lives = membersOf(documentOf(self, 'swim.members'));
  const rows = nodes.map((node) => rowOf(node, lives));
  for (const [name, member] of lives) if (!rows.some((row) => row.name === name)) rows.push(bareRow(name, member));
  rows.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return {
    rows,
    raft: raftGroups(rows),
    trackers: nodes.flatMap(trackerGroups),
    files: filesOf(nodes),
    repair: nodes.map((node) => documentOf(node, 'dfs.repair')).find((one) => Object.keys(one).length > 0),
  };
}

/** The rows with one member's news applied at once: what an event tells is not waited for. */
export function withMemberNews(model: ClusterModel, member: Json): ClusterModel {
  const name = text(member['name']);
  const news = { state: stateOf(member['status']), incarnation: number(member['incarnation']) };
  if (name === '' || !model.rows.some((row) => row.name === name)) return model;
  return { ...model, rows: model.rows.map((row) => (row.name === name ? { ...row, ...news } : row)) };
}

function rowOf(node: Json, lives: ReadonlyMap<string, Json>): NodeRow {
  const name = text(node['name'], '?');
  const member = record(lives.get(name));
  const status = documentOf(node, 'node.status');
  const health = documentOf(node, 'swim.health');
  const bandwidth = documentOf(node, 'swim.bandwidth');
  const known = bareRow(name, member);
  const roles = texts(status['roles']);
  return {
    ...known,
    isSelf: node['isSelf'] === true,
    // Without swim there is no list to be in: who answers is there.
    state: lives.has(name) ? stateOf(member['status']) : node['reach'] === 'ok' ? 'alive' : 'unknown',
    reach: text(node['reach'], 'failed'),
    reason: text(node['reason']),
    http: httpOf(node['http']),
    roles: roles.length > 0 ? roles : known.roles,
    isReady: status['ready'] === true,
    uptimeMs: typeof status['uptimeMs'] === 'number' ? status['uptimeMs'] : undefined,
    faults: faultTexts(record(status['faults'])),
    healthScore: typeof health['score'] === 'number' ? health['score'] : undefined,
    group: groupOf(node),
    raft: raftOf(node, name),
    traffic: records(bandwidth['messages']).map((one) => ({
      type: text(one['type'], '?'),
      bytesOut: number(one['bytesOut']),
      packetsOut: number(one['packetsOut']),
    })),
    totalOut: number(record(bandwidth['total'])['bytesOut']) + number(record(bandwidth['streams'])['bytesOut']),
    stored: storedOf(documentOf(node, 'dfs.store')),
    sees: sightsOf(documentOf(node, 'swim.members')),
  };
}

function bareRow(name: string, member: Json): NodeRow {
  return {
    name,
    isSelf: false,
    state: stateOf(member['status']),
    incarnation: number(member['incarnation']),
    address: text(member['address']),
    rttMs: typeof member['rttMs'] === 'number' ? member['rttMs'] : undefined,
    changedAt: Date.parse(text(member['changedAt'])) || undefined,
    reach: 'skipped',
    reason: '',
    http: undefined,
    roles: rolesOfTag(text(record(member['tags'])['ports'])),
    isReady: false,
    uptimeMs: undefined,
    faults: [],
    healthScore: undefined,
    group: undefined,
    raft: [],
    traffic: [],
    totalOut: 0,
    stored: undefined,
    sees: new Map(),
  };
}

function membersOf(list: Json): ReadonlyMap<string, Json> {
  return new Map(records(list['members']).map((member) => [text(member['name'], '?'), member]));
}

function sightsOf(list: Json): ReadonlyMap<string, Sight> {
  const sights = records(list['members']).map(
    (member) =>
      [
        text(member['name'], '?'),
        { state: stateOf(member['status']), incarnation: number(member['incarnation']) },
      ] as const,
  );
  return new Map(sights);
}

function groupOf(node: Json): GroupPart | undefined {
  const view = documentOf(node, 'gms.view');
  if (typeof view['status'] !== 'string') return undefined;
  const worker = documentOf(node, 'gms.workers');
  const inForce = record(view['view']);
  const delivered = record(view['delivered']);
  const leader = text(inForce['leader']);
  return {
    group: text(view['group'], 'default'),
    status: text(view['status']),
    view: typeof inForce['id'] === 'number' ? inForce['id'] : undefined,
    leads: leader !== '' && leader === text(view['self']),
    leader: leader === '' ? undefined : nameOf(leader),
    members: records(inForce['members']).map((member) => text(member['name'], '?')),
    sequence: number(delivered['sequence']),
    orderHash: text(delivered['orderHash']),
    colour: colour(worker['colour']),
  };
}

function raftOf(node: Json, name: string): NodeRow['raft'] {
  return ['raft', 'chat', 'dfs-meta'].flatMap((group) => {
    const status = documentOf(node, `raft.status ${group}`);
    if (typeof status['term'] !== 'number') return [];
    const leader = text(status['leader']);
    return [
      {
        group: text(status['group'], group),
        node: name,
        role: text(status['role'], '?'),
        term: number(status['term']),
        leader: leader === '' ? undefined : leader,
        first: number(status['firstIndex']),
        applied: number(status['appliedIndex']),
        commit: number(status['commitIndex']),
        last: number(status['lastIndex']),
        snapshot: number(status['snapshotIndex']),
        isRecovering: status['recovering'] === true,
        voters: texts(status['voters']),
      },
    ];
  });
}

function raftGroups(rows: readonly NodeRow[]): readonly RaftGroup[] {
  const groups = new Map<string, RaftServer[]>();
  for (const { group, ...server } of rows.flatMap(({ raft }) => raft))
    groups.set(group, [...(groups.get(group) ?? []), server]);
  return [...groups].map(([name, servers]) => {
    const term = Math.max(...servers.map((server) => server.term));
    const leader = servers.find((server) => server.role === 'leader' && server.term === term);
    const newest = leader ?? servers.find((server) => server.term === term);
    return { name, term, leader: leader?.node, voters: newest?.voters ?? [], servers };
  });
}

function trackerGroups(node: Json): readonly TrackerGroup[] {
  const metrics = new Map(
    records(documentOf(node, 'tracker.metrics')['groups']).map((group) => [text(group['group']), group]),
  );
  return records(documentOf(node, 'tracker.groups')['groups']).map((group) => {
    const name = text(group['group'], text(group['name'], '?'));
    const measured = record(metrics.get(name));
    return {
      name,
      node: text(node['name'], '?'),
      members: number(group['members'], number(measured['members'])),
      view: number(group['number'], number(measured['view'])),
      sent: number(measured['sent']),
      order: text(group['order']),
    };
  });
}

function filesOf(nodes: readonly Json[]): readonly StoredFile[] {
  const files = new Map<string, StoredFile>();
  for (const file of nodes.flatMap((node) => records(documentOf(node, 'dfs.files')['files']))) {
    const name = text(file['name'], '?');
    const version = file['version'];
    files.set(name, {
      name,
      version: typeof version === 'number' ? String(version) : text(version),
      bytes: number(file['bytes']),
      replicas: texts(file['replicas']),
    });
  }
  return [...files.values()];
}

function storedOf(store: Json): NodeRow['stored'] {
  return typeof store['blobs'] === 'number' ? { blobs: store['blobs'], bytes: number(store['bytes']) } : undefined;
}

function documentOf(node: Json | undefined, name: string): Json {
  return record(record(node?.['documents'])[name]);
}

const states: readonly string[] = ['alive', 'suspect', 'down', 'left'];

function stateOf(value: unknown): MemberState {
  return typeof value === 'string' && states.includes(value) ? (value as MemberState) : 'unknown';
}

// A link is made of it, so that only what is surely one passes.
function httpOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^https?:\/\/[\w.:[\]-]{1,260}$/.test(value) ? value : undefined;
}

function rolesOfTag(tag: string): readonly string[] {
  const roles = tag.split(',').map((part) => part.split(':', 1)[0] as string);
  return ['swim', ...roles.filter((role) => /^[a-z]{2,16}$/.test(role) && role !== 'http')];
}

function faultTexts(faults: Json): readonly string[] {
  return Object.entries(faults).flatMap(([name, value]) => {
    if (typeof value === 'number' && value > 0)
      return [name.endsWith('Ms') ? `${name.slice(0, -2)} ${value} ms` : `${name} ${Math.round(value * 1_000) / 10} %`];
    return Array.isArray(value) && value.length > 0 ? [`${value.length} blocked`] : [];
  });
}
