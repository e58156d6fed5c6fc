import type { Logger } from '@grp/core';
import type { Recorder } from './recorder.ts';

/** The event stream tells these, and so they are in the recording already. */
const toldElsewhere = new Set([
  'raft.role',
  'raft.recovered',
  'gms.view',
  'gms.joined',
  'gms.blocked',
  'gms.excluded',
  'node.stopping',
]);

/**
 * The same log, what is more than debug noted as well: which groups and members a tracker has, lives of a file server,
 * rot, disks that fail, what was given up.
 */
export function tapLogger(logger: Logger, recorder: Recorder): Logger {
  return {
    log(level, event, fields = {}) {
      logger.log(level, event, fields);
      if (level === 'debug' || toldElsewhere.has(event)) return;
      const [role = 'node', ...what] = event.split('.');
      const mark = level !== 'info' ? 'trouble' : event === 'tracker.view' ? 'view' : 'state';
      const details = Object.entries(fields).map(([name, value]) => `${name} ${String(value)}`);
      recorder.mark(role, mark, [what.join('.'), ...details].join(', '));
    },
  };
}
