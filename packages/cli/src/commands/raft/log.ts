import { sanitizeText } from '@grp/core';
import type { LoggedEntry } from '@grp/node';
import { dirOf } from '../../base.ts';
import { nodeFiles, requireNode, requireState } from '../../cluster/state.ts';
import { text, whole } from '../../flags.ts';
import { document } from '../../output/json.ts';
import { groupFlag, RaftCommand, type RaftFlagValues } from '../../raft/command.ts';

const shownDefault = 100;

/** Reads a log from its files. */
export class RaftLog extends RaftCommand {
  static override readonly summary = "Read a server's log from its files, without asking any node";
  static override readonly description = `First the log as a whole, then its last entries, or those from --from on. Nothing is changed; beside a running node it is a moment of the log. What a command means is only known to the service it is for. Under --json one document per line.`;
  static override readonly examples = [
    { description: 'Of a local node, also one that was killed', command: '<%= config.bin %> raft log --node n3' },
    {
      description: 'Of a data folder, the first ten entries',
      command: '<%= config.bin %> raft log --data-dir /var/lib/grp --group chat --from 1 --limit 10 --json',
    },
  ];
  static override readonly flags = {
    ...groupFlag,
    'data-dir': text('data-dir', 'data folder of the node (that of a local node unless given)', 'DIR'),
    from: whole('from', 'from this index on', 1, Number.MAX_SAFE_INTEGER),
    limit: whole('limit', 'so many entries (100 unless given)', 1, 1_000_000_000),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(RaftLog);
    const { readRaftLog } = await import('@grp/node');
    const { entries, ...log } = await readRaftLog(flags['data-dir'] ?? (await localData(flags)), flags.group);
    const limit = flags.limit ?? shownDefault;
    const from = flags.from ?? Math.max(log.firstIndex, log.lastIndex - limit + 1);
    if (this.jsonEnabled()) this.emit(document('grp.raft.log/1', log));
    else {
      const { group, firstIndex, lastIndex, snapshotIndex, damage } = log;
      const harm = damage === null ? '' : ', damaged (--json says how)';
      this.print(`${sanitizeText(group)}: entries ${firstIndex} to ${lastIndex}, snapshot of ${snapshotIndex}${harm}`);
    }
    for await (const entry of entries(from, from + limit - 1)) {
      if (this.jsonEnabled()) this.emit(document('grp.raft.entry/1', entry));
      else this.print(entryText(entry));
    }
  }
}

/** The data folder of the local node that is named, or of the first one. */
async function localData(flags: RaftFlagValues): Promise<string> {
  const dir = dirOf(flags);
  const state = await requireState(dir);
  return nodeFiles(dir, flags.node === undefined ? 'n1' : requireNode(state, flags.node).id).data;
}

function entryText({ index, term, type, bytes, voters, learners, session, sequence }: LoggedEntry): string {
  const facts = [
    voters === undefined ? '' : `voters ${voters.join(', ')}`,
    learners === undefined || learners.length === 0 ? '' : `learners ${learners.join(', ')}`,
    session === undefined ? '' : `session ${session}, command ${sequence}`,
  ].filter(Boolean);
  const row = `${String(index).padStart(9)}  term ${String(term).padStart(4)}  ${type.padEnd(13)} ${bytes} bytes`;
  return sanitizeText([row, ...facts].join('  '), { lengthMax: 2_000 });
}
