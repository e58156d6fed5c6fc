import type { FailureDetector } from '@grp/gms';
import type { Swim } from '@grp/swim';

/** swim as the failure detector of a group: members of both are the same lives. */
export function swimDetector(swim: Swim): FailureDetector {
  return {
    onSuspect: (listener) => swim.onSuspect(listener),
    onTrust: (listener) => swim.onTrust(listener),
    hint: (member) => swim.hint(member),
  };
}
