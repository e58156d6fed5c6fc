import { sanitizeText } from '@grp/core';
import { dirOf, GrpCommand } from '../../base.ts';
import { followLog, lastLines } from '../../cluster/log-file.ts';
import { nodeFiles, requireNode, requireState } from '../../cluster/state.ts';
import { isRecord } from '../../errors.ts';
import { argument, toggle, whole } from '../../flags.ts';
import { document } from '../../output/json.ts';

/** Shows the log of a node. */
export class ClusterLogs extends GrpCommand {
  static override readonly summary = 'Show the log of one node of the local cluster';
  static override readonly description =
    'Under --json each line is one document; lines of a JSON log come parsed, as "entry".';
  static override readonly examples = [
    { description: 'The last hundred lines', command: '<%= config.bin %> cluster logs n3' },
    { description: 'Follow it', command: '<%= config.bin %> cluster logs n3 --follow --lines 10' },
  ];
  static override readonly args = { id: argument('id of the node: n1, n2, …') };
  static override readonly flags = {
    follow: toggle('follow', 'go on with new lines until Ctrl-C'),
    lines: whole('lines', 'how many of the last lines (100 unless given)', 0, 1_000_000),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(ClusterLogs);
    const dir = dirOf(flags);
    const { id } = requireNode(await requireState(dir), args.id);
    const file = nodeFiles(dir, id).log;
    const { lines, end } = await lastLines(file, flags.lines ?? 100);
    for (const line of lines) this.#write(id, line);
    if (!flags.follow) return;
    const interruption = this.armSignals();
    try {
      await followLog(file, end, interruption.signal, (line) => this.#write(id, line));
    } finally {
      interruption.disarm();
    }
  }

  #write(id: string, line: string): void {
    if (!this.jsonEnabled()) {
      this.print(sanitizeText(line, { lengthMax: 10_000 }));
      return;
    }
    const entry = parsed(line);
    this.emit(document('grp.cluster.log/1', entry === undefined ? { id, line } : { id, entry }));
  }
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
