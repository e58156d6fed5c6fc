import { emitKeypressEvents, type Key } from 'node:readline';

export type WallAction = 'crash' | 'crash-later' | 'pause' | 'rejoin' | 'next' | 'previous' | 'quit';

const actions: Readonly<Record<string, WallAction>> = {
  c: 'crash',
  k: 'crash-later',
  p: 'pause',
  r: 'rejoin',
  q: 'quit',
  down: 'next',
  j: 'next',
  up: 'previous',
};

export const wallHelp = '↑↓ choose · c crash · k crash in mid-multicast · p pause or resume · r rejoin · q quit';

/**
 * Reads single keys from the terminal until the returned function is called. Ctrl-C arrives as a signal to this process,
 * as it would without raw mode.
 */
export function readKeys(onAction: (action: WallAction) => void): () => void {
  const { stdin } = process;
  const onKey = (_: string | undefined, key: Key): void => {
    if (key.ctrl === true && key.name === 'c') process.kill(process.pid, 'SIGINT');
    const action = key.name === undefined ? undefined : actions[key.name];
    if (action !== undefined && key.ctrl !== true) onAction(action);
  };
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  stdin.on('keypress', onKey);
  stdin.resume();
  return () => {
    stdin.off('keypress', onKey);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
