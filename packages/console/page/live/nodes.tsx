import type { JSX } from 'preact';
import type { MemberState, NodeRow } from '../../src/live/model.ts';
import { durationText } from '../../src/words.ts';
import { Crown, StateSign } from '../icons.tsx';

/** What a row says about its node: the membership's word, unless the node itself has just stopped to answer. */
export function shownState({ state, reach }: Pick<NodeRow, 'state' | 'reach'>): string {
  return state === 'alive' && (reach === 'silent' || reach === 'refused') ? 'silent' : state;
}

const stateWords: Readonly<Record<string, string>> = {
  alive: 'alive',
  suspect: 'suspect',
  down: 'down',
  left: 'left',
  unknown: 'unknown',
  silent: 'no answer',
};

/** One row for each member, with its part in every group. */
export function Nodes({ rows }: { readonly rows: readonly NodeRow[] }): JSX.Element {
  return (
    <section class="panel" aria-labelledby="nodes-title">
      <header>
        <h2 id="nodes-title">Nodes</h2>
        <span class="note">as the node that serves this page sees them</span>
      </header>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="nodes-title">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">State</th>
              <th scope="col" class="num">
                Incarnation
              </th>
              <th scope="col">Group</th>
              <th scope="col">Raft</th>
              <th scope="col" class="num">
                RTT, up
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <NodeLine key={`${row.name} ${shownState(row)}`} row={row} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function NodeLine({ row }: { readonly row: NodeRow }): JSX.Element {
  const state = shownState(row);
  return (
    <tr class="changed" data-node={row.name} data-state={state}>
      <td data-title="Node">
        <div class="name" title={row.name}>
          {row.name}
          {row.isSelf && <span class="faint"> (this one)</span>}
        </div>
        <div class="faint place">
          <span class="mono">{row.address}</span> {row.roles.join(' ')}
        </div>
      </td>
      <td data-title="State">
        <span class={`state s-${state}`}>
          <StateSign state={state} />
          {stateWords[state]}
        </span>
        {row.reason !== '' && state !== 'down' && <div class="faint">{row.reason}</div>}
        {row.faults.map((fault) => (
          <div key={fault}>
            <span class="chip warn">{fault}</span>
          </div>
        ))}
      </td>
      <td data-title="Incarnation" class="num">
        {row.incarnation === 0 ? '–' : row.incarnation}
      </td>
      <td data-title="Group">
        <GroupCell row={row} />
      </td>
      <td data-title="Raft">
        {row.raft.map(({ group, role, term }) => (
          <div key={group} class="state line">
            {role === 'leader' && <Crown label="leads" />}
            <span>
              {group} {role}
            </span>
            <span class="faint mono">t{term}</span>
          </div>
        ))}
      </td>
      <td data-title="RTT, up" class="num">
        {row.rttMs === undefined || state === 'down' ? '–' : `${row.rttMs.toFixed(1)} ms`}
        <div class="faint">{row.uptimeMs === undefined ? '' : durationText(row.uptimeMs)}</div>
      </td>
    </tr>
  );
}

function GroupCell({ row: { group } }: { readonly row: NodeRow }): JSX.Element | null {
  if (group === undefined) return null;
  return (
    <span class="state">
      {group.colour !== undefined && <i class="tile" style={{ background: group.colour }} />}
      {group.leads && <Crown label="leads" />}
      <span>
        view {group.view ?? '–'} <span class="faint mono">#{group.sequence}</span>
      </span>
      {group.status !== 'joined' && <span class="chip warn">{group.status}</span>}
    </span>
  );
}

const spoken: Readonly<Record<MemberState, string>> = {
  alive: 'alive',
  suspect: 'suspect',
  down: 'down',
  left: 'left',
  unknown: 'not in its list',
};

/** Who sees whom how: a partition shows as two blocks. */
export function Matrix({ rows }: { readonly rows: readonly NodeRow[] }): JSX.Element | null {
  const observers = rows.filter(({ sees }) => sees.size > 0);
  if (observers.length < 2 || rows.length > 32) return null;
  return (
    <section class="panel" aria-labelledby="matrix-title">
      <header>
        <h2 id="matrix-title">Who sees whom</h2>
        <span class="note">each row is one node's own list</span>
      </header>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="matrix-title">
        <table class="matrix">
          <thead>
            <tr>
              <td />
              {rows.map(({ name }) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {observers.map((observer) => (
              <tr key={observer.name}>
                <th scope="row">{observer.name}</th>
                {rows.map(({ name }) => {
                  const state = observer.sees.get(name)?.state ?? 'unknown';
                  return (
                    <td key={name} class={name === observer.name ? 'own' : ''}>
                      <StateSign state={state} label={spoken[state]} />
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="key">
        {(['alive', 'suspect', 'down', 'left', 'unknown'] as const).map((state) => (
          <span key={state}>
            <StateSign state={state} /> {spoken[state]}
          </span>
        ))}
      </div>
    </section>
  );
}
