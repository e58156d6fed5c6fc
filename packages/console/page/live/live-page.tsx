import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Theme } from '../theme.ts';
import { Actions } from './actions.tsx';
import { DiagramPanel } from './diagram-panel.tsx';
import { FeedPanel } from './feed-panel.tsx';
import { FilesPanel, GroupPanel, RaftPanel, TrackerPanel } from './groups.tsx';
import { Matrix, Nodes } from './nodes.tsx';
import type { LiveStore } from './store.ts';
import { StripsPanel } from './strips-panel.tsx';
import { Summary } from './summary.tsx';

/** A live cluster, as the node that serves the page sees it and as all nodes tell of themselves. */
export function LivePage({ store, theme }: { readonly store: LiveStore; readonly theme: Theme }): JSX.Element {
  const model = store.model.value;
  if (store.connection.value === 'denied') return <Gate store={store} />;
  if (store.connection.value === 'none')
    return (
      <div class="gate panel">
        <h2>No node serves this page</h2>
        <p>
          It came from <code>grp lab open</code>, so there is no cluster to see here. The <a href="#/lab">lab</a> works.
        </p>
      </div>
    );
  void store.stripVersion.value;
  return (
    <>
      <Summary model={model} rate={store.strips.total} />
      <div class="grid live">
        <div class="column">
          <Nodes rows={model.rows} />
          <DiagramPanel store={store} theme={theme} />
          <GroupPanel rows={model.rows} />
          <div class="pair">
            {model.raft.map((group) => (
              <RaftPanel key={group.name} group={group} />
            ))}
          </div>
          <FilesPanel files={model.files} repair={model.repair} rows={model.rows} />
          <TrackerPanel trackers={model.trackers} />
        </div>
        <div class="column">
          <FeedPanel store={store} />
          <Matrix rows={model.rows} />
          <Actions store={store} model={model} />
        </div>
      </div>
      <StripsPanel store={store} theme={theme} />
    </>
  );
}

function Gate({ store }: { readonly store: LiveStore }): JSX.Element {
  const typed = useSignal('');
  return (
    <form
      class="gate panel"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.value !== '') store.setToken(typed.value.trim());
      }}
    >
      <h2>This node wants a token</h2>
      <p>
        {store.hasToken.value ? 'The one that was given is not the right one. ' : ''}It is the line in the file that the
        node was started with; <code>grp console --token-file FILE</code> opens this page with it. It stays in this tab.
      </p>
      <label class="tools">
        Token
        <input type="password" autocomplete="off" onInput={(event) => (typed.value = event.currentTarget.value)} />
        <button class="primary">Open</button>
      </label>
    </form>
  );
}
