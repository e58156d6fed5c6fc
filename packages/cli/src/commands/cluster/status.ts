import { sanitizeText } from '@grp/core';
import { dirOf, GrpCommand } from '../../base.ts';
import { clusterDocument } from '../../cluster/observe.ts';
import { requireState } from '../../cluster/state.ts';
import { duration, toggle } from '../../flags.ts';
import { watchLive } from '../../output/live.ts';
import { tableWidth } from '../../output/table.ts';
import { clusterText } from '../../output/views.ts';

/** Shows the nodes of the local cluster. */
export class ClusterStatus extends GrpCommand {
  static override readonly summary = 'Show the nodes of the local cluster and what they do';
  static override readonly description = `States: starting, running, stopping, paused, killed (by "cluster kill"), stopped, exited (by itself, with its exit code).
With --watch the table is redrawn; without a terminal, or under --json, each change is one line of JSON.`;
  static override readonly examples = [
    { description: 'Once', command: '<%= config.bin %> cluster status' },
    { description: 'Redrawn as it changes', command: '<%= config.bin %> cluster status --watch' },
    { description: 'For a script', command: '<%= config.bin %> cluster status --json --dir /tmp/lossy' },
  ];
  static override readonly flags = {
    watch: toggle('watch', 'go on until Ctrl-C'),
    interval: duration('interval', 'how often --watch looks (500ms unless given)'),
  };

  override async run(): Promise<object | undefined> {
    const { flags } = await this.parse(ClusterStatus);
    const dir = dirOf(flags);
    const fetch = async () => clusterDocument(dir, await requireState(dir));
    const { colours } = this;
    const draw = (value: Awaited<ReturnType<typeof fetch>>): string =>
      clusterText(value, { colours, width: tableWidth(process.stdout) });
    if (!flags.watch) {
      const now = await fetch();
      return this.show(now, () => draw(now));
    }
    const interruption = this.armSignals();
    try {
      await watchLive({
        signal: interruption.signal,
        intervalMs: Math.max(250, flags.interval ?? 500),
        terminal: process.stdout.isTTY && !this.jsonEnabled(),
        fetch,
        draw,
        drawError: (error) => colours.red(sanitizeText((error as Error).message)),
        write: (value) => this.emit(value),
        key: (value) => JSON.stringify(value),
      });
    } finally {
      interruption.disarm();
    }
    return undefined;
  }
}
