import type { JSX } from 'preact';
import type { ClusterModel, NodeRow, RaftGroup, StoredFile } from '../../src/live/model.ts';
import { repairText } from '../../src/live/health.ts';
import { bytesText, countText, plural } from '../../src/words.ts';
import { Crown, StateSign, Verdict } from '../icons.tsx';
import { shownState } from './nodes.tsx';

/** The group of the role gms: its view, and the wall of colours. */
export function GroupPanel({ rows }: { readonly rows: readonly NodeRow[] }): JSX.Element | null {
  const parts = rows.filter(({ group }) => group !== undefined);
  const [first] = parts;
  if (first?.group === undefined) return null;
  const newest = parts.reduce((best, row) => ((row.group?.view ?? 0) > (best.group?.view ?? 0) ? row : best), first);
  const colours = new Set(parts.map(({ group }) => `${group?.sequence} ${group?.colour}`));
  const isEqual = colours.size === new Set(parts.map(({ group }) => group?.sequence)).size;
  return (
    <section class="panel" aria-labelledby="group-title">
      <header>
        <h2 id="group-title">Group {first.group.group}</h2>
        <span class="note">
          view {newest.group?.view ?? '–'}: {newest.group?.members.join(' · ')}
        </span>
        <span class="end lamp">
          <Verdict kind={isEqual ? 'well' : 'broken'} />
          {isEqual ? 'same colours' : 'colours differ'}
        </span>
      </header>
      <ul class="wall">
        {parts.map(({ name, group }) => (
          <li key={name}>
            <div class="paint" style={{ background: group?.colour ?? '#000000' }}>
              {group?.leads === true && <Crown label="leads" />}
            </div>
            <div class="words">
              <b>
                <span>{name}</span> <span class="mono">#{group?.sequence}</span>
              </b>
              <span class="mono">{group?.colour ?? ''}</span>
              <span>
                view {group?.view ?? '–'}, {group?.status}
              </span>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** One raft group: who leads in which term, and how far each log is. */
export function RaftPanel({ group }: { readonly group: RaftGroup }): JSX.Element {
  const id = `raft-${group.name}`;
  const low = Math.min(...group.servers.map(({ first }) => first));
  const high = Math.max(1, ...group.servers.map(({ last }) => last));
  const share = (index: number): string => `${Math.max(0, Math.min(1, (index - low + 1) / (high - low + 1))) * 100}%`;
  return (
    <section class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>Raft group {group.name}</h2>
        <span class="note">
          term {group.term}, {group.leader === undefined ? 'no leader' : `${group.leader} leads`},{' '}
          {plural(group.voters.length, 'voter')}
        </span>
      </header>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby={id}>
        <table>
          <thead>
            <tr>
              <th scope="col">Server</th>
              <th scope="col">Role</th>
              <th scope="col" class="num">
                Term
              </th>
              <th scope="col">Log</th>
              <th scope="col" class="num">
                Commit/last
              </th>
            </tr>
          </thead>
          <tbody>
            {group.servers.map((server) => (
              <tr key={server.node}>
                <td class="name">{server.node}</td>
                <td>
                  <span class="state">
                    {server.role === 'leader' && <Crown />}
                    {server.isRecovering ? 'recovering' : server.role}
                  </span>
                </td>
                <td class="num">{server.term}</td>
                <td>
                  <div
                    class="log"
                    role="img"
                    aria-label={`applied ${server.applied}, committed ${server.commit}, last ${server.last}`}
                  >
                    <i class="last" style={{ width: share(server.last) }} />
                    <i class="commit" style={{ width: share(server.commit) }} />
                    <i class="applied" style={{ width: share(server.applied) }} />
                  </div>
                </td>
                <td class="num">
                  {server.commit}/{server.last}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <LogKey />
    </section>
  );
}

function LogKey(): JSX.Element {
  return (
    <div class="key">
      <span>
        <i style={{ background: 'var(--blue)' }} /> committed
      </span>
      <span>
        <i style={{ background: 'var(--green)' }} /> applied
      </span>
      <span>
        <i style={{ background: 'repeating-linear-gradient(135deg, var(--amber) 0 3px, transparent 3px 6px)' }} /> not
        committed yet
      </span>
    </div>
  );
}

/** The groups that trackers keep. */
export function TrackerPanel({ trackers }: Pick<ClusterModel, 'trackers'>): JSX.Element | null {
  if (trackers.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="tracker-title">
      <header>
        <h2 id="tracker-title">Tracker groups</h2>
      </header>
      <table>
        <thead>
          <tr>
            <th scope="col">Group</th>
            <th scope="col">Order</th>
            <th scope="col" class="num">
              Members
            </th>
            <th scope="col" class="num">
              View
            </th>
            <th scope="col" class="num">
              Sent
            </th>
            <th scope="col">Tracker</th>
          </tr>
        </thead>
        <tbody>
          {trackers.map(({ name, node, order, members, view, sent }) => (
            <tr key={`${node} ${name}`}>
              <td class="name">{name}</td>
              <td>{order}</td>
              <td class="num">{members}</td>
              <td class="num">{view}</td>
              <td class="num">{countText(sent)}</td>
              <td>{node}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Where each file lies, and what is being mended. */
export function FilesPanel({
  files,
  repair,
  rows,
}: Pick<ClusterModel, 'files' | 'repair' | 'rows'>): JSX.Element | null {
  const holders = rows.filter(({ roles }) => roles.includes('dfs'));
  if (holders.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="files-title">
      <header>
        <h2 id="files-title">Files</h2>
        <span class="note">{repairText(repair)}</span>
      </header>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="files-title">
        <table>
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col" class="num">
                Version
              </th>
              <th scope="col" class="num">
                Size
              </th>
              {holders.map(({ name }) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {files.map((file) => (
              <FileLine key={file.name} file={file} holders={holders} />
            ))}
            <tr>
              <td class="faint">{files.length === 0 ? 'nothing is stored yet' : 'on disk'}</td>
              <td />
              <td />
              {holders.map(({ name, stored }) => (
                <td key={name} class="faint">
                  {stored === undefined ? '–' : bytesText(stored.bytes)}
                </td>
              ))}
            </tr>
          </tbody>
        </table>
      </div>
    </section>
  );
}

function FileLine({ file, holders }: { readonly file: StoredFile; readonly holders: readonly NodeRow[] }): JSX.Element {
  return (
    <tr>
      <td class="name">{file.name}</td>
      <td class="num">{file.version}</td>
      <td class="num">{bytesText(file.bytes)}</td>
      {holders.map((holder) => (
        <td key={holder.name}>
          {file.replicas.includes(holder.name) && (
            <StateSign state={shownState(holder)} label={`a copy, ${shownState(holder)}`} />
          )}
        </td>
      ))}
    </tr>
  );
}
