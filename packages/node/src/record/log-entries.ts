import type { StateMachine } from '@grp/raft';
import type { Recorder } from './recorder.ts';

/**
 * A group's state, each entry noted as it is applied here: then it is committed. `describe` says what it did, where
 * somebody knows; the entry itself is not recorded.
 */
export function tapStateMachine(
  group: string,
  machine: StateMachine,
  recorder: Recorder,
  describe: (command: Uint8Array, answer: Uint8Array) => readonly string[] = () => [],
): StateMachine {
  return {
    apply(command, index) {
      const answer = machine.apply(command, index);
      const what = describe(command, answer).join('; ');
      recorder.mark('raft', 'deliver', `${group} ${index}${what === '' ? '' : `: ${what}`}`);
      return answer;
    },
    snapshot() {
      recorder.mark('raft', 'state', `${group} snapshot`);
      return machine.snapshot();
    },
    restore(piece, place) {
      if (place.isFirst) recorder.mark('raft', 'state', `${group} restored`);
      machine.restore(piece, place);
    },
    ...(machine.inPieces === undefined ? {} : { inPieces: machine.inPieces }),
  };
}
