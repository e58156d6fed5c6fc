import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { ClusterModel } from '../../src/live/model.ts';
import type { LiveStore } from './store.ts';

interface Action {
  readonly label: string;
  readonly path: string;
  readonly body: object;
}

/** What can be done to the node that serves the page, for whoever has opened it with a token. */
export function Actions({ store, model }: { readonly store: LiveStore; readonly model: ClusterModel }): JSX.Element {
  const answer = useSignal('');
  const self = model.rows.find(({ isSelf }) => isSelf);
  const run = async ({ label, path, body }: Action): Promise<void> => {
    answer.value = `${label} …`;
    answer.value = (await store.act(path, body)) ?? `${label}: done.`;
  };
  const actions: readonly Action[] = [
    ...(self?.group === undefined
      ? []
      : [{ label: 'Multicast a change', path: '/v1/gms/mcast', body: { payload: 'from the console' } }]),
    { label: 'Lose 10 %', path: '/v1/node/faults', body: { loss: 0.1 } },
    { label: 'Delay by 50 ms', path: '/v1/node/faults', body: { delayMs: 50 } },
    { label: 'No faults', path: '/v1/node/faults', body: { loss: 0, delayMs: 0, duplicate: 0, block: [] } },
    ...(self?.raft ?? [])
      .filter(({ role }) => role === 'leader')
      .map(({ group }) => ({ label: `Hand over ${group}`, path: '/v1/raft/transfer', body: { group } })),
  ];
  return (
    <section class="panel" aria-labelledby="actions-title">
      <header>
        <h2 id="actions-title">Act on {self?.name ?? 'this node'}</h2>
        <span class="note">{store.hasToken.value ? 'opened with a token' : 'read-only: no token'}</span>
      </header>
      {store.hasToken.value ? (
        <div class="tools">
          {actions.map((action) => (
            <button key={action.label} onClick={() => void run(action)}>
              {action.label}
            </button>
          ))}
        </div>
      ) : (
        <p class="empty">
          Start the node with <code>--token-file</code> and open this page with{' '}
          <code>grp console --token-file FILE</code> to change something.
        </p>
      )}
      <p role="status" class="faint">
        {answer.value}
      </p>
    </section>
  );
}
